import { mkdirSync, statSync } from 'node:fs';
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
import { sqlite } from 'sojourn/sqlite';
import { type Config, ConfigError } from './config.ts';
import type { ServerData } from './context.ts';
import { Users } from './users/users.ts';

export interface Stores {
  readonly sessions: Sessions<ServerData, string>;
  readonly users: Users;
}

export interface StoresOptions {
  /** In the place of the machine's, for tests. */
  readonly clock?: Clock;
  /** `false` where another process on the same files sweeps. Default true. */
  readonly sweeps?: boolean;
}

/** A session short enough to watch it run out. */
const brief = { idle: '20s', absolute: '60s', touchInterval: '1s' } as const;

/** The limits that the server works with: those of the settings, and a brief kind for the life page. */
export function policyOf({ demo, policy }: Pick<Config, 'demo' | 'policy'>): PolicyName | PolicyOptions {
  return demo ? { extends: policy, kinds: { brief } } : policy;
}

/** Opens what the server keeps. Throws `ConfigError` when its folder, its files or a setting cannot be used. */
export function openStores(config: Config, options: StoresOptions = {}): Stores {
  const { users, store } = openFiles(config, options);
  try {
    return { users, sessions: sessionsOn(store, config, options) };
  } catch (error) {
    users.close();
    void store.close();
    // The library names its option; here it is a flag.
    throw error instanceof SojournError
      ? new ConfigError(error.message.replace(/^origin\b/, '--origin'), { cause: error })
      : error;
  }
}

export async function closeStores({ users, sessions }: Stores): Promise<void> {
  await sessions.close();
  users.close();
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

interface Files {
  readonly users: Users;
  readonly store: Store;
}

function openFiles({ data, store }: Config, { clock }: StoresOptions): Files {
  let users: Users | null = null;
  try {
    makeFolder(resolve(data));
    users = Users.open(join(data, 'users.db'));
    return { users, store: sqlite(store.slice('sqlite:'.length), clock ? { now: clock.now } : {}) };
  } catch (error) {
    users?.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot keep its data in ${data}: ${why}`, { cause: error });
  }
}

function sessionsOn(store: Store, config: Config, { clock, sweeps = true }: StoresOptions): Stores['sessions'] {
  return createSessions<ServerData, string>({
    store,
    policy: policyOf(config),
    ...(clock ? { clock } : {}),
    ...(sweeps ? {} : { sweepEvery: 'never' }),
    ...(config.origin === null ? {} : { origin: config.origin }),
    ...(config.trustProxy === 0 ? {} : { trustProxy: config.trustProxy }),
  });
}
