import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { type FloorSession, made, name, secretOf } from './floor-session.ts';

/*
 * The least that a session kept on the server costs: find the cookie, hash it, look it up (one SQLite get
 * and parse, or one Map get), check both limits and one permission. What a competent person writes by hand
 * for one application, and what the library is measured against. BENCH_FLOOR says which: `map`, or
 * `awaited` for a Map in a hook that is an async function, as most are written; SQLite without it.
 */

interface Kept {
  find(hash: string): FloorSession | undefined;
  keep(hash: string, record: string): void;
  bytes(): number;
}

const kind = process.env['BENCH_FLOOR'];

/** Whether the hook pays for a promise. */
export const awaited: boolean = kind === 'awaited';

const { find, keep, bytes } = kind === 'map' || awaited ? inMap() : inSqlite();

/** The signed-in session, or the status to refuse with. */
export function signedIn(cookies: string | undefined, permission: string): FloorSession | 401 | 403 {
  const secret = secretOf(cookies);
  if (secret === null) return 401;
  const session = find(hash('sha256', secret, 'base64url'));
  if (session === undefined) return 401;
  const now = Date.now();
  if (now >= session.lastSeenAt + session.idleTimeout || now >= session.expiresAt) return 401;
  return session.permissions.includes(permission) ? session : 403;
}

export function signIn(subject: string, permissions: readonly string[], device: object): string {
  const { secret, record } = made(subject, permissions, device);
  keep(hash('sha256', secret, 'base64url'), record);
  return name + secret;
}

export function recordBytes(): number {
  return bytes();
}

function inSqlite(): Kept {
  const db = new DatabaseSync(`${process.env['BENCH_FOLDER']}/floor-${process.pid}.db`);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 268435456;');
  db.exec('CREATE TABLE sessions (hash TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT');
  const find = db.prepare('SELECT record FROM sessions WHERE hash = ?');
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?)');
  return {
    find(hash) {
      const row = find.get(hash);
      return row && JSON.parse(row['record'] as string);
    },
    keep: (hash, record) => void insert.run(hash, record),
    bytes: () => Number(db.prepare('SELECT avg(length(record)) AS bytes FROM sessions').get()?.['bytes']),
  };
}

function inMap(): Kept {
  const sessions = new Map<string, FloorSession>();
  let all = 0;
  return {
    find: (hash) => sessions.get(hash),
    keep(hash, record) {
      all += record.length;
      sessions.set(hash, JSON.parse(record));
    },
    bytes: () => all / sessions.size,
  };
}
