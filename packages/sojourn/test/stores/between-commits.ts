import { DatabaseSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

/* Imported ahead of a process's modules and of its writing thread's, which ends after so many commits, or all with it. */
const { DIES, AFTER_COMMITS } = process.env;

if (!isMainThread) {
  const { exec } = DatabaseSync.prototype;
  let left = Number(AFTER_COMMITS);
  DatabaseSync.prototype.exec = function (sql): void {
    exec.call(this, sql);
    if (sql === 'COMMIT') left -= 1;
    if (left > 0) return;
    if (DIES === 'process') process.kill(process.pid, 'SIGKILL');
    // Of a thread this is the end of the thread.
    process.exit();
  };
}
