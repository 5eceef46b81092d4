import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { recordOf, total } from './sessions.ts';

/*
 * Makes the large file: the library makes the schema, then the rows go in as the library would have
 * written them, but without waiting for the disk and with the indexes made at the end.
 */

export interface Built {
  readonly bytes: number;
  readonly bytesOfARecord: number;
}

const path = process.argv[2] ?? '';
await sqlite(path).close();
const db = new DatabaseSync(path);
db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -524288;');
const indexes = db
  .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'sessions' AND sql IS NOT NULL")
  .all();
for (const { name } of indexes) db.exec(`DROP INDEX ${String(name)}`);
const insert = db.prepare(`INSERT INTO sessions
  (id, record, format, data, version, last_seen_at, subject, state, kind, due_at) VALUES (?, ?, 1, ?, ?, ?, ?, 'signed-in', ?, ?)`);
const now = Date.now();
db.exec('BEGIN');
for (let number = 0; number < total; number++) {
  const { id, version, lastSeenAt, data, ...rest } = recordOf(number, now);
  const dueAt = lastSeenAt + rest.idleTimeout;
  insert.run(id, JSON.stringify(rest), data, version, lastSeenAt, rest.subject, rest.kind, dueAt);
}
db.exec('COMMIT');
for (const { sql } of indexes) db.exec(String(sql));
const row = db.prepare('SELECT avg(length(record) + length(data)) AS bytes FROM sessions WHERE rowid <= 1000').get();
db.exec('PRAGMA journal_mode = WAL');
db.close();
// Or the first process that opens the file would wait until all of it is on the disk.
const file = openSync(path, 'r+');
fsyncSync(file);
closeSync(file);
const built: Built = { bytes: statSync(path).size, bytesOfARecord: Math.round(Number(row?.['bytes'])) };
tell(built);
