import { closeSync, fsyncSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { partitionOf } from '../../packages/sojourn/src/lifecycle/token.ts';
import { encodeRecord, recordFormat } from '../../packages/sojourn/src/stores/wire.ts';
import type { Batches } from './fill.ts';
import { eventOf } from './filled.ts';

export async function fillSqlite(url: string, batches: Batches): Promise<void> {
  const path = url.replace('sqlite:', '');
  const db = new DatabaseSync(path, { timeout: 10_000 });
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -524288; PRAGMA wal_autocheckpoint = 100000;');
  const insert = db.prepare(`INSERT INTO sessions
    (id, record, format, data, version, last_seen_at, subject, state, kind, due_at)
    VALUES (?, ?, ${recordFormat}, ?, ?, ?, ?, 'signed-in', ?, ?)`);
  const next = db.prepare('UPDATE partitions SET counter = counter + 1 WHERE partition = ? RETURNING counter');
  const append = db.prepare(
    'INSERT INTO events (partition, number, at, subject, terminal, body) VALUES (?, ?, ?, ?, 0, ?)',
  );
  for (const records of batches) {
    db.exec('BEGIN IMMEDIATE');
    for (const record of records) {
      const { id, data, version, lastSeenAt, subject, kind, idleTimeout } = record;
      insert.run(id, encodeRecord(record), data, version, lastSeenAt, subject, kind, lastSeenAt + idleTimeout);
      const partition = partitionOf(id);
      const number = Number(next.get(partition)?.['counter']);
      append.run(partition, number, lastSeenAt, subject, JSON.stringify(eventOf(record)));
    }
    db.exec('COMMIT');
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  // Or the first sync of who opens it would wait until all of it is on the disk.
  const file = openSync(path, 'r+');
  fsyncSync(file);
  closeSync(file);
}
