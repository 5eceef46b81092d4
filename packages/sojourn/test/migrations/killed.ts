import { DatabaseSync } from 'node:sqlite';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';

/* Opens a store and is killed after so many statements: each is run alone, so that every gap can be met. */
const [path = '', statements = ''] = process.argv.slice(2);
let left = Number(statements);
const exec = DatabaseSync.prototype.exec;

DatabaseSync.prototype.exec = function (sql): void {
  for (const statement of sql.split(';').filter((text) => text.trim() !== '')) {
    exec.call(this, statement);
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  }
};

await sqlite(path).close();
