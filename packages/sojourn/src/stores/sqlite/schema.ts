import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { SojournError } from '../../lifecycle/errors.ts';
import { partitions } from '../../lifecycle/token.ts';

/**
 * Forward migrations; the file's `user_version` is how many have run. Only ever append.
 * `due_at` is a lower bound of a live session's end that the sweep corrects, so a touch moves no index.
 */
const migrations: readonly string[] = [
  `CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     record TEXT NOT NULL,
     format INTEGER NOT NULL,
     data TEXT NOT NULL,
     version INTEGER NOT NULL,
     last_seen_at INTEGER NOT NULL,
     subject TEXT,
     state TEXT NOT NULL,
     kind TEXT NOT NULL,
     due_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX sessions_by_subject ON sessions (subject) WHERE subject IS NOT NULL;
   CREATE INDEX sessions_by_due ON sessions (due_at);
   CREATE TABLE subjects (
     subject TEXT PRIMARY KEY,
     changed_at INTEGER NOT NULL,
     disabled INTEGER NOT NULL,
     kept TEXT
   ) STRICT;
   CREATE TABLE partitions (
     partition INTEGER PRIMARY KEY,
     counter INTEGER NOT NULL DEFAULT 0,
     forgotten INTEGER NOT NULL DEFAULT 0,
     anonymous INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE events (
     position INTEGER PRIMARY KEY,
     partition INTEGER NOT NULL,
     number INTEGER NOT NULL,
     at INTEGER NOT NULL,
     subject TEXT,
     terminal INTEGER NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX events_by_number ON events (partition, number);
   CREATE INDEX events_by_subject ON events (subject) WHERE subject IS NOT NULL;
   CREATE TABLE engine (epoch TEXT NOT NULL) STRICT;`,
  // Whoever signs in a thousand times a day leaves as many tombstones, which a sign-in need not read.
  `DROP INDEX sessions_by_subject;
   CREATE INDEX sessions_by_subject ON sessions (subject, state) WHERE subject IS NOT NULL;`,
  // A ring of each partition's latest changes, for processes that remember what they have read.
  `CREATE TABLE changes (
     partition INTEGER NOT NULL,
     slot INTEGER NOT NULL,
     number INTEGER NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (partition, slot)
   ) STRICT, WITHOUT ROWID;`,
];

function userVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Brings a file to this release's version; throws `store_unusable` for one of a newer release. */
export function migrate(db: DatabaseSync, path: string): void {
  const version = userVersion(db);
  if (version === migrations.length) return;
  if (version > migrations.length) {
    throw new SojournError(
      'store_unusable',
      `${path} is of version ${version}, made by a newer release; this one knows ${migrations.length}. Start the newer release.`,
    );
  }
  db.exec('BEGIN IMMEDIATE');
  // Another process may have migrated while this one waited for the lock.
  for (let next = userVersion(db); next < migrations.length; next++) {
    db.exec(migrations[next] ?? '');
    if (next === 0) fill(db);
    db.exec(`PRAGMA user_version = ${next + 1}`);
  }
  db.exec('COMMIT');
}

function fill(db: DatabaseSync): void {
  const insert = db.prepare('INSERT INTO partitions (partition) VALUES (?)');
  for (let partition = 0; partition < partitions; partition++) insert.run(partition);
  db.prepare('INSERT INTO engine (epoch) VALUES (?)').run(randomBytes(6).toString('base64url'));
}
