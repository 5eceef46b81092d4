import { randomBytes } from 'node:crypto';
import type { Duration } from '../../lifecycle/duration.ts';
import { invalid, SojournError } from '../../lifecycle/errors.ts';
import { flag, knownKeys, whole } from '../../lifecycle/options.ts';
import type { Store } from '../../lifecycle/ports.ts';
import { clockOf, everySoOften, patience } from '../options.ts';
import { staged } from '../staged/staged.ts';
import { type RedisClient, textOf } from './client.ts';
import { Confirming } from './confirming.ts';
import { connectionOf, primariesSeen, refuseUnfit } from './connection.ts';
import { RedisEngine } from './engine.ts';
import { hashTagOf, Keys } from './keys.ts';
import { checkSettings } from './settings.ts';
import { subscription } from './subscription.ts';
import type { WaitReplicas } from './together.ts';

export interface RedisOptions {
  /** What every key begins with. Default `sojourn`. */
  readonly prefix?: string;
  /** Start although `maxmemory-policy` may throw sessions away. Default false. */
  readonly allowEviction?: boolean;
  /** Start although nothing is written to disk (`appendonly no`): a restart signs everybody out. Default false. */
  readonly allowNoAppendOnlyFile?: boolean;
  /**
   * Every write is acknowledged only once so many replicas have it, within `timeout`, 1 min at most; else it
   * is `store_unavailable`: written, but a failover could lose it. In a cluster each primary's own. Default none.
   */
  readonly waitReplicas?: { readonly count: number; readonly timeout: Duration };
  /** How often who waits for a session's end looks for changes that were not announced, 1 h at most. Default 250 ms. */
  readonly watchEvery?: Duration;
  /** Hear of changes by other processes on a connection of its own, made like the client's. Default true. */
  readonly subscribe?: boolean;
  /** The engine's clock, for tests; default its own. */
  readonly now?: () => number;
}

const defaults = {
  prefix: 'sojourn',
  allowEviction: false,
  allowNoAppendOnlyFile: false,
  watchEvery: 250,
  subscribe: true,
} as const;

const optionKeys = [...Object.keys(defaults), 'waitReplicas', 'now'];

/** With every default in its place. */
function checkOptions(options: RedisOptions) {
  knownKeys('redis', options, optionKeys);
  const prefix = options.prefix ?? defaults.prefix;
  if (!/^[\w.:-]{1,64}$/.test(prefix)) {
    throw invalid(`redis.prefix ${prefix}: letters, digits and . : - _`);
  }
  return {
    prefix,
    allowEviction: flag('redis.allowEviction', options.allowEviction ?? defaults.allowEviction),
    allowNoAppendOnlyFile: flag(
      'redis.allowNoAppendOnlyFile',
      options.allowNoAppendOnlyFile ?? defaults.allowNoAppendOnlyFile,
    ),
    waitReplicas: options.waitReplicas === undefined ? null : checkWait(options.waitReplicas),
    watchEvery: everySoOften('redis.watchEvery', options.watchEvery ?? defaults.watchEvery),
    subscribe: flag('redis.subscribe', options.subscribe ?? defaults.subscribe),
    now: clockOf('redis.now', options.now),
  };
}

function checkWait(given: NonNullable<RedisOptions['waitReplicas']>): WaitReplicas {
  knownKeys('redis.waitReplicas', given, ['count', 'timeout']);
  return {
    count: whole('redis.waitReplicas.count', given.count),
    // WAIT takes 0 for ever.
    timeout: patience('redis.waitReplicas.timeout', given.timeout),
  };
}

/**
 * Sessions in Redis 7 or Valkey 8 or newer, for many nodes, through the application's own connected
 * client. Redis answers before its replicas have the write. Throws `store_unusable` with the fix for a
 * server that may forget sessions, `store_unavailable` when there is none.
 */
export async function redis(client: RedisClient, options: RedisOptions = {}): Promise<Store> {
  const settings = checkOptions(options);
  const { prefix, waitReplicas: wait } = settings;
  refuseUnfit(client, prefix);
  const connection = connectionOf(client);
  const { send, together, cluster } = connection;
  if (wait && together === null) {
    throw invalid('redis.waitReplicas: pass a client of node-redis or ioredis itself, which can send pipelines.');
  }
  const keys = new Keys(prefix);
  // In a cluster only what is in one slot is sure to be on one node.
  const confirming = wait && together ? new Confirming(together, wait, cluster ? hashTagOf : () => '') : null;
  try {
    const warnings = await checkSettings(connection, settings);
    await send('SET', keys.epoch, randomBytes(6).toString('base64url'), 'NX');
    const engine = new RedisEngine({
      send,
      keys,
      cluster,
      epoch: textOf(await send('GET', keys.epoch)) ?? '',
      given: settings.now,
      confirming,
      watchEvery: settings.watchEvery,
      primaries: () => primariesSeen(connection),
      hear: settings.subscribe ? subscription(client, keys.channels) : null,
    });
    await engine.endings.look();
    await engine.beat(null);
    return { ...staged(engine), warnings };
  } catch (cause) {
    if (cause instanceof SojournError) throw cause;
    throw new SojournError('store_unavailable', `redis cannot be opened: ${String(cause)}`, { cause });
  }
}
