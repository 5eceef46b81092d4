import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, createSessions, type PolicyName, type PolicyOptions, type Sessions } from 'sojourn';
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

/** Opens what the server keeps. Throws `ConfigError` when its folder or its files cannot be used. */
export function openStores(config: Config, { clock, sweeps = true }: StoresOptions = {}): Stores {
  let users: Users | null = null;
  try {
    mkdirSync(config.data, { recursive: true, mode: 0o700 });
    users = Users.open(join(config.data, 'users.db'));
    const sessions = createSessions<ServerData, string>({
      store: sqlite(config.store.slice('sqlite:'.length), clock ? { now: clock.now } : {}),
      ...(clock ? { clock } : {}),
      ...(sweeps ? {} : { sweepEvery: 'never' }),
      policy: policyOf(config),
      ...(config.origin === null ? {} : { origin: config.origin, trustProxy: config.trustProxy }),
    });
    return { sessions, users };
  } catch (error) {
    users?.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot keep its data in ${config.data}: ${why}`, { cause: error });
  }
}
