import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  type Clock,
  createSessions,
  type PolicyName,
  type PolicyOptions,
  type Sessions,
  SojournError,
  type Store,
} from 'sojourn';
import { type Config, ConfigError } from './config.ts';
import type { ServerData } from './context.ts';
import { type Engine, openEngine, shownAddress } from './engines.ts';
import { log } from './log.ts';
import { UserError, Users } from './users/users.ts';

/** The sessions, and the connection to close after them. */
export interface Opened {
  readonly sessions: Sessions<ServerData, string>;
  readonly engine: Engine;
}

export interface Stores extends Opened {
  readonly users: Users;
}

export interface StoresOptions {
  /** In the place of the machine's, for tests. */
  readonly clock?: Clock;
  /** Milliseconds that the engine's clock is ahead of `clock`. Default 0. */
  readonly engineAhead?: number;
  /** `false` where another process on the same files sweeps. Default true. */
  readonly sweeps?: boolean;
}

/** The file of the accounts, in the folder of the data. */
const accounts = 'users.db';

/** A session short enough to watch it run out. */
const brief = { idle: '20s', absolute: '60s', touchInterval: '1s' } as const;

/** The limits that the server works with: those of the settings, and a brief kind for the life page. */
export function policyOf({ demo, policy }: Pick<Config, 'demo' | 'policy'>): PolicyName | PolicyOptions {
  return demo ? { extends: policy, kinds: { brief } } : policy;
}

/** Opens what the server keeps. Throws `ConfigError` when its folder, its engine or a setting cannot be used. */
export async function openStores(config: Config, options: StoresOptions = {}): Promise<Stores> {
  // An engine that cannot be reached leaves no new folder behind; a file is mostly in that folder.
  const reached = config.store.startsWith('sqlite:') ? null : await openSessions(config, options);
  let users: Users | null = null;
  try {
    users = openUsers(config);
    return { users, ...(reached ?? (await openSessions(config, options))) };
  } catch (error) {
    users?.close();
    if (reached !== null) await closeSessions(reached);
    throw error;
  }
}

export async function closeStores({ users, ...opened }: Stores): Promise<void> {
  await closeSessions(opened);
  users.close();
}

/** The sessions alone. */
export async function openSessions(config: Config, options: StoresOptions = {}): Promise<Opened> {
  const engine = await engineOf(config, options);
  try {
    return { sessions: sessionsOn(engine.store, config, options), engine };
  } catch (error) {
    await engine.close();
    throw error instanceof SojournError ? new ConfigError(error.message, { cause: error }) : error;
  }
}

export async function closeSessions({ sessions, engine }: Opened): Promise<void> {
  await sessions.close();
  await engine.close();
}

/** Folder by folder: Node's own way to make them all never comes back where one takes none, as /proc. */
function makeFolder(path: string): void {
  if (isFolder(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether a server has kept its accounts in the folder. */
export function hasData({ data }: Pick<Config, 'data'>): boolean {
  return existsSync(join(data, accounts));
}

/** The accounts alone. */
export function openUsers({ data }: Config): Users {
  try {
    makeFolder(resolve(data));
    return Users.open(join(data, accounts));
  } catch (error) {
    const why = withFix(error, 'Name a folder that this user may write with --data.');
    throw new ConfigError(`The server cannot keep its data in ${data}: ${why}`, { cause: error });
  }
}

async function engineOf({ data, store }: Config, { clock, engineAhead = 0 }: StoresOptions): Promise<Engine> {
  try {
    return await openEngine(store, clock ? { now: () => clock.now() + engineAhead } : {});
  } catch (error) {
    const [where, fix] = store.startsWith('sqlite:')
      ? [`its data in ${data}`, 'Name a file that this user may write with --store.']
      : [`sessions in ${shownAddress(store)}`, 'See that it runs and --store is its address.'];
    throw new ConfigError(`The server cannot keep ${where}: ${withFix(error, fix)}`, { cause: error });
  }
}

/** What is ours says what to do about it; what the system or a client says does not. */
function withFix(error: unknown, fix: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const named = error instanceof SojournError ? error.code !== 'store_unavailable' : error instanceof UserError;
  return named ? message : `${message.replace(/\.$/, '')}. ${fix}`;
}

function sessionsOn(store: Store, config: Config, { clock, sweeps = true }: StoresOptions): Stores['sessions'] {
  return createSessions<ServerData, string>({
    store,
    log,
    policy: policyOf(config),
    ...(clock ? { clock } : {}),
    ...(sweeps ? {} : { sweepEvery: 'never' }),
    ...(config.origin === null ? {} : { origin: config.origin }),
    ...(config.trustProxy === 0 ? {} : { trustProxy: config.trustProxy }),
  });
}
