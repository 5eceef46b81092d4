import { randomBytes } from 'node:crypto';
import { closeSync, openSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { hashOfNobody, hashPassword, isPassword, longest, shortest } from './password.ts';

/** An account of this server. Its id is the subject of its sessions. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly disabled: boolean;
  readonly createdAt: number;
}

/** An account whose password was right, and the hash that it was found right by. */
export interface Checked {
  readonly user: User;
  readonly hash: string;
}

/** Sessions of an account that its new password is to end. It stands in the file until they have ended. */
export interface OwedEnding {
  /** The session that stays; `'all'`: none ends, only sign-ins that were checked before are refused. */
  readonly except?: string;
  /** Who set the password. */
  readonly by: string;
}

/** A wish that cannot be fulfilled; the message is for the person who had it. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

const namePattern = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

/** The accounts, in a file of their own beside the sessions, and where those are. */
export class Users {
  readonly #db: DatabaseSync;
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  /** What an unknown name is checked against, so that the answer takes as long. */
  readonly #nobody: string = hashOfNobody();

  private constructor(db: DatabaseSync) {
    this.#db = db;
    const prepared = Object.entries(sql).map(([name, text]) => [name, db.prepare(text)]);
    this.#statements = Object.fromEntries(prepared);
  }

  /** Throws `UserError` with the fix where others can read the file, or a newer release made it. */
  static open(path: string): Users {
    if (path !== ':memory:') makePrivate(path);
    const db = new DatabaseSync(path, { timeout: longestWait });
    try {
      migrateInTurn(db, path);
      return new Users(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Throws `UserError` when the name is taken or the password too short. */
  async add(name: string, password: string, permissions: readonly string[]): Promise<User> {
    checkAccount(name, password);
    if (this.byName(name)) throw taken(name);
    const id = randomBytes(9).toString('base64url');
    const hash = await hashPassword(password);
    const { changes } = this.#statements.insert.run(id, name, hash, JSON.stringify(permissions), Date.now());
    // Somebody else, perhaps in another process, took it while the password was hashed.
    if (changes === 0) throw taken(name);
    return this.#required(id);
  }

  /** The account of a name and its password, else `null`: wrong, unknown and disabled take as long and look alike. */
  async verify(name: string, password: string): Promise<Checked | null> {
    const row = this.#statements.byName.get(name);
    const hash = row ? String(row['password']) : this.#nobody;
    const right = await isPassword(password.slice(0, longest), hash);
    const user = row && right && password.length <= longest ? userOf(row) : null;
    return user === null || user.disabled ? null : { user, hash };
  }

  byId(id: string): User | null {
    const row = this.#statements.byId.get(id);
    return row ? userOf(row) : null;
  }

  byName(name: string): User | null {
    const row = this.#statements.byName.get(name);
    return row ? userOf(row) : null;
  }

  all(): User[] {
    return this.#statements.all.all().map(userOf);
  }

  /** Whatever the password was, as the operator may. Throws `UserError`, also where there is no such account. */
  async setPassword(id: string, password: string, owed: OwedEnding): Promise<void> {
    const hash = await hashOfNew(password);
    const set = this.#withOwed(id, owed, () => this.#statements.setPassword.run(hash, id).changes);
    if (!set) throw new UserError('That account does not exist. See sojourn users list.');
  }

  /**
   * In the place of the password that was checked, if it is still that one and the account not disabled; else
   * `false`, and nothing is set. To hash takes long: `assertMay` is asked after it, so that what has come between
   * refuses. Throws `UserError`, and what `assertMay` throws.
   */
  async changePassword(
    { user, hash: checked }: Checked,
    password: string,
    owed: OwedEnding,
    assertMay: () => Promise<void>,
  ): Promise<boolean> {
    const hash = await hashOfNew(password);
    await assertMay();
    return this.#withOwed(user.id, owed, () => this.#statements.changePassword.run(hash, user.id, checked).changes);
  }

  /** A new password in one step with what it owes, so that nothing that happens after it loses that. Whether it was set. */
  #withOwed(id: string, { except, by }: OwedEnding, set: () => number | bigint): boolean {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const isSet = set() !== 0;
      if (isSet) this.#statements.owe.run(id, except ?? null, by);
      this.#db.exec('COMMIT');
      return isSet;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** What the passwords of this account have not ended yet, the oldest first. */
  owed(id: string): (OwedEnding & { readonly number: number })[] {
    return this.#statements.owed.all(id).map(({ number, except_session: except, by_whom: by }) => ({
      number: Number(number),
      by: String(by),
      ...(except === null ? {} : { except: String(except) }),
    }));
  }

  /** That one has been done. */
  settle(number: number): void {
    this.#statements.settle.run(number);
  }

  setDisabled(id: string, disabled: boolean): void {
    this.#statements.setDisabled.run(disabled ? 1 : 0, id);
  }

  setPermissions(id: string, permissions: readonly string[]): void {
    this.#statements.setPermissions.run(JSON.stringify(permissions), id);
  }

  /** Where the server of this folder keeps sessions, as it said when it last started; `null`: it has not yet. */
  get sessionsIn(): string | null {
    const row = this.#statements.sessionsIn.get();
    return row ? String(row['sessions_in']) : null;
  }

  keepSessionsIn(place: string): void {
    this.#statements.keepSessionsIn.run(place);
  }

  close(): void {
    this.#db.close();
  }

  #required(id: string): User {
    const user = this.byId(id);
    if (user === null) throw new TypeError(`user ${id} has gone`);
    return user;
  }
}

/** The file's `user_version` tells which release made it. What one adds is a table, made where it is missing. */
const version = 2;

/** How long another process may hold the file, in milliseconds. */
const longestWait = 2000;

/** Makes the file, where there is none, for its owner alone. What others may have read already is not hidden from them without a word. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const found = statSync(path);
  const mode = found.mode & 0o777;
  if (process.platform === 'win32' || !found.isFile() || (mode & 0o077) === 0) return;
  throw new UserError(`${path} can be read by others (mode ${mode.toString(8)}). Run: chmod 600 ${path}`);
}

/** Where several open a new file at once: to change its journal SQLite waits for nobody. */
function migrateInTurn(db: DatabaseSync, path: string): void {
  const until = performance.now() + longestWait;
  for (;;) {
    try {
      migrate(db, path);
      return;
    } catch (error) {
      if (performance.now() >= until || !(error instanceof Error && /database is locked/.test(error.message)))
        throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found > version) {
    throw new UserError(`${path} is of version ${found}, made by a newer release; this one knows ${version}.`);
  }
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS users (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT NOT NULL,
      permissions TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS server (one INTEGER PRIMARY KEY CHECK (one = 1), sessions_in TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS owed (
      number INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, except_session TEXT, by_whom TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS owed_by_user ON owed (user);
    PRAGMA user_version = ${version};`);
}

/** Throws `UserError` for a name or a password that no account may have. */
export function checkAccount(name: string, password: string): void {
  if (!namePattern.test(name)) throw new UserError('A name has 1 to 64 letters, digits and . _ @ + -');
  checkPassword(password);
}

/** Throws `UserError` for a password that no account may have. */
export function checkPassword(password: string): void {
  if (password.length < shortest) throw new UserError(`Use a password of at least ${shortest} characters.`);
  if (password.length > longest) throw new UserError(`Use a password of at most ${longest} characters.`);
}

function hashOfNew(password: string): Promise<string> {
  checkPassword(password);
  return hashPassword(password);
}

function taken(name: string): UserError {
  return new UserError(`The name ${name} is taken.`);
}

function userOf(row: Record<string, unknown>): User {
  return {
    id: String(row['id']),
    name: String(row['name']),
    permissions: JSON.parse(String(row['permissions'])),
    disabled: row['disabled'] === 1,
    createdAt: Number(row['created_at']),
  };
}

const sql = {
  insert:
    'INSERT INTO users (id, name, password, permissions, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
  byId: 'SELECT * FROM users WHERE id = ?',
  byName: 'SELECT * FROM users WHERE name = ?',
  all: 'SELECT * FROM users ORDER BY name',
  setPassword: 'UPDATE users SET password = ? WHERE id = ?',
  changePassword: 'UPDATE users SET password = ? WHERE id = ? AND password = ? AND disabled = 0',
  owe: 'INSERT INTO owed (user, except_session, by_whom) VALUES (?, ?, ?)',
  owed: 'SELECT number, except_session, by_whom FROM owed WHERE user = ? ORDER BY number',
  settle: 'DELETE FROM owed WHERE number = ?',
  setDisabled: 'UPDATE users SET disabled = ? WHERE id = ?',
  setPermissions: 'UPDATE users SET permissions = ? WHERE id = ?',
  sessionsIn: 'SELECT sessions_in FROM server',
  keepSessionsIn: 'INSERT INTO server VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET sessions_in = excluded.sessions_in',
} as const;
