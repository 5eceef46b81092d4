import { DatabaseSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

/*
 * Imported ahead of a process's modules and of its writing thread's. After so many commits the thread ends, or
 * the process is killed, or somebody else takes the file and keeps it.
 */
const { CUT_SHORT_BY: by, AFTER_COMMITS: commits, FILE: file = '' } = process.env;

if (!isMainThread) {
  const { exec } = DatabaseSync.prototype;
  let left = Number(commits);
  const others: DatabaseSync[] = [];
  DatabaseSync.prototype.exec = function (sql): void {
    exec.call(this, sql);
    if (sql !== 'COMMIT') return;
    left -= 1;
    if (left !== 0) return;
    if (by === 'a kill') process.kill(process.pid, 'SIGKILL');
    // Of a thread this is the end of the thread.
    if (by === 'the end of the thread') process.exit();
    const other = new DatabaseSync(file);
    others.push(other);
    exec.call(other, 'BEGIN IMMEDIATE');
  };
}
