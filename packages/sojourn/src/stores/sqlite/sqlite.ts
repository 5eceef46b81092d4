import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Duration } from '../../lifecycle/duration.ts';
import { SojournError } from '../../lifecycle/errors.ts';
import { knownKeys, text } from '../../lifecycle/options.ts';
import type { Store, SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { keptNow } from '../operations.ts';
import { clockOf, patience } from '../options.ts';
import { refuseTransaction } from '../rows.ts';
import { patiently } from './busy.ts';
import { Channel, type WriteName } from './channel.ts';
import { pragmas } from './pragmas.ts';
import { Reader } from './reader.ts';
import { migrate } from './schema.ts';

export interface SqliteOptions {
  /** The engine's clock, for tests; default the machine's. */
  readonly now?: () => number;
  /** How long a write waits for another process's, 1 min at most. Default 1.5 s. */
  readonly busyTimeout?: Duration;
}

const defaultBusyTimeout = 1500;
/** How long opening waits for other processes that open the same file. */
const openingTimeout = 10_000;

/**
 * Sessions in one SQLite file, durable, for one machine; several processes may share it. The file is
 * made with mode 0600. Throws `store_unusable` with the fix when others can read it, when it cannot
 * be opened, or when a newer release made it.
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store {
  knownKeys('sqlite', options, ['now', 'busyTimeout']);
  const now = clockOf('sqlite.now', options.now);
  const busyTimeout = patience('sqlite.busyTimeout', options.busyTimeout ?? defaultBusyTimeout, 0);
  makePrivate(text('sqlite: path', path));
  try {
    // SQLite's own waiting does not cover all of this, and another process's migration may take its time.
    patiently(openingTimeout, () => setUp(path, busyTimeout));
    return patiently(openingTimeout, () => new SqliteStore(path, now, busyTimeout));
  } catch (cause) {
    if (cause instanceof SojournError) throw cause;
    throw new SojournError(
      'store_unusable',
      `${path} cannot be opened as a session store: ${String(cause)}. Name another file.`,
      {
        cause,
      },
    );
  }
}

function setUp(path: string, busyTimeout: number): void {
  const db = new DatabaseSync(path, { timeout: busyTimeout });
  try {
    db.exec(pragmas.writer);
    migrate(db, path);
  } finally {
    db.close();
  }
}

function makePrivate(path: string): void {
  try {
    makeFolder(dirname(path));
    createEmpty(path);
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (cause) {
    throw new SojournError('store_unusable', `${path} cannot be written: ${String(cause)}. Make its folder writable.`, {
      cause,
    });
  }
  const found = statSync(path);
  if (found.isDirectory()) {
    throw new SojournError(
      'store_unusable',
      `${path} is a folder: name a file in it, as ${join(path, 'sessions.db')}.`,
    );
  }
  const mode = found.mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new SojournError(
      'store_unusable',
      `${path} can be read by others (mode ${mode.toString(8)}). Run: chmod 600 ${path}`,
    );
  }
}

/** Node's own `recursive` tries for ever where a folder that is there takes no others, as /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it.
    if (!existsSync(path)) throw error;
  }
}

/**
 * Opens only what it makes: where POSIX locks belong to the process, closing any descriptor of a file
 * drops all of them, also those of a store that has it open.
 */
function createEmpty(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly distance = 'machine';
  readonly now: () => number;
  readonly #given: (() => number) | null;
  readonly #reader: Reader;
  readonly #channel: Channel;

  constructor(path: string, now: (() => number) | null, busyTimeout: number) {
    this.#given = now;
    this.now = now ?? Date.now;
    this.#reader = new Reader(path);
    this.#channel = new Channel({ path, busyTimeout }, () => this.#reader.changed());
  }

  find(id: string, tx?: unknown): SessionRecord | null {
    refuseTransaction(this.name, tx);
    return this.#reader.find(id);
  }

  subject(subject: string): SubjectRecord {
    const known = this.#reader.subject(subject);
    return { ...known, kept: keptNow(known, this.now()) };
  }

  list(subject: string): ReturnType<Reader['list']> {
    return this.#reader.list(subject, this.now());
  }

  page: Store['page'] = (...given) => this.#reader.page(...given);
  subjects: Store['subjects'] = (...given) => this.#reader.subjects(...given);
  events: Store['events'] = (...given) => this.#reader.events(...given);
  cursor: Store['cursor'] = () => this.#reader.cursor();
  beat: Store['beat'] = (known) => this.#reader.beat(known);
  watch: Store['watch'] = (changed) => this.#reader.watch(changed);
  /** A beat costs next to nothing and misses none. */
  listen: Store['listen'] = () => () => {};

  create: Store['create'] = (...args) => this.#write('create', args);
  update: Store['update'] = (...args) => this.#write('update', args);
  touch: Store['touch'] = (...args) => this.#write('touch', args);
  end: Store['end'] = (...args) => this.#write('end', args);
  endAll: Store['endAll'] = (...args) => this.#write('endAll', args);
  enable: Store['enable'] = (...args) => this.#write('enable', args);
  setPermissions: Store['setPermissions'] = (...args) => this.#write('setPermissions', args);
  sweep: Store['sweep'] = (...args) => this.#write('sweep', args);
  purge: Store['purge'] = (...args) => this.#write('purge', args);
  adopt: Store['adopt'] = (...args) => this.#write('adopt', args);
  note: Store['note'] = (...args) => this.#write('note', args);

  async close(): Promise<void> {
    this.#reader.close();
    await this.#channel.close();
  }

  #write<Name extends WriteName>(name: Name, args: Parameters<Store[Name]>): ReturnType<Store[Name]> {
    return this.#channel.send(name, args, this.#given?.() ?? null);
  }
}
