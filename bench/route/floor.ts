import { hash, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

/*
 * The least that a session kept on the server costs: find the cookie, hash it, one SQLite get, parse,
 * check both limits and one permission. What a competent person writes by hand for one application,
 * and what the library is measured against.
 */

interface FloorSession {
  readonly subject: string;
  readonly permissions: readonly string[];
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly expiresAt: number;
}

const name = '__Host-floor=';
const secretLength = 43;
const db = new DatabaseSync(`${process.env['BENCH_FOLDER']}/floor-${process.pid}.db`);
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 268435456;');
db.exec('CREATE TABLE sessions (hash TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT');
const find = db.prepare('SELECT record FROM sessions WHERE hash = ?');

/** The signed-in session, or the status to refuse with. */
export function signedIn(cookies: string | undefined, permission: string): FloorSession | 401 | 403 {
  const at = cookies === undefined ? -1 : cookies.indexOf(name);
  if (cookies === undefined || at === -1) return 401;
  const secret = cookies.slice(at + name.length, at + name.length + secretLength);
  const row = find.get(hash('sha256', secret, 'base64url'));
  if (row === undefined) return 401;
  const session: FloorSession = JSON.parse(row['record'] as string);
  const now = Date.now();
  if (now >= session.lastSeenAt + session.idleTimeout || now >= session.expiresAt) return 401;
  return session.permissions.includes(permission) ? session : 403;
}

/** Writes a session of the size that the library's have. */
export function signIn(subject: string, permissions: readonly string[], device: object): string {
  const secret = randomBytes(32).toString('base64url');
  const now = Date.now();
  const limits = {
    createdAt: now,
    signedInAt: now,
    lastSeenAt: now,
    idleTimeout: 1_800_000,
    expiresAt: now + 43_200_000,
  };
  const more = {
    kind: 'standard',
    factors: [{ method: 'password', at: now }],
    rotatedAt: now,
    generation: 1,
    retired: [],
  };
  const keys = { formKey: randomBytes(16).toString('base64url'), operation: randomBytes(9).toString('base64url') };
  const record = JSON.stringify({ subject, permissions, ...limits, ...more, ...keys, device });
  db.prepare('INSERT INTO sessions VALUES (?, ?)').run(hash('sha256', secret, 'base64url'), record);
  return name + secret;
}

export function recordBytes(): number {
  return Number(db.prepare('SELECT avg(length(record)) AS bytes FROM sessions').get()?.['bytes']);
}
