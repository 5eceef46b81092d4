import { randomBytes } from 'node:crypto';
import { invalid, SojournError } from '../../lifecycle/errors.ts';
import type { Store } from '../../lifecycle/ports.ts';
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
   * Every write is acknowledged only once so many replicas have it, within `timeout` milliseconds; else it
   * is `store_unavailable`: written, but a failover could lose it. In a cluster each primary's own. Default none.
   */
  readonly waitReplicas?: WaitReplicas;
  /** How often who waits for a session's end looks for changes that were not announced, in milliseconds. Default 250. */
  readonly watchEvery?: number;
  /** Hear of changes by other processes on a connection of its own, made like the client's. Default true. */
  readonly subscribe?: boolean;
  /** The engine's clock, for tests; default its own. */
  readonly now?: () => number;
}

const defaults = { prefix: 'sojourn', watchEvery: 250 } as const;

/**
 * Sessions in Redis 7 or Valkey 8 or newer, for many nodes, through the application's own connected
 * client. Redis answers before its replicas have the write. Throws `store_unusable` with the fix for a
 * server that may forget sessions, `store_unavailable` when there is none.
 */
export async function redis(client: RedisClient, options: RedisOptions = {}): Promise<Store> {
  const prefix = options.prefix ?? defaults.prefix;
  if (!/^[\w.:-]{1,64}$/.test(prefix)) {
    throw invalid(`redis.prefix ${prefix}: letters, digits and . : - _`);
  }
  refuseUnfit(client, prefix);
  const connection = connectionOf(client);
  const { send, together, cluster } = connection;
  const wait = options.waitReplicas;
  if (wait && together === null) {
    throw invalid('redis.waitReplicas: pass a client of node-redis or ioredis itself, which can send pipelines.');
  }
  const keys = new Keys(prefix);
  // In a cluster only what is in one slot is sure to be on one node.
  const confirming = wait && together ? new Confirming(together, wait, cluster ? hashTagOf : () => '') : null;
  try {
    const warnings = await checkSettings(connection, options);
    await send('SET', keys.epoch, randomBytes(6).toString('base64url'), 'NX');
    const engine = new RedisEngine({
      send,
      keys,
      cluster,
      epoch: textOf(await send('GET', keys.epoch)) ?? '',
      given: options.now ?? null,
      confirming,
      watchEvery: options.watchEvery ?? defaults.watchEvery,
      primaries: () => primariesSeen(connection),
      hear: options.subscribe === false ? null : subscription(client, keys.channels),
    });
    await engine.endings.look();
    await engine.beat(null);
    return { ...staged(engine), warnings };
  } catch (cause) {
    if (cause instanceof SojournError) throw cause;
    throw new SojournError('store_unavailable', `redis cannot be opened: ${String(cause)}`, { cause });
  }
}
