import { Cluster, Redis } from 'ioredis';
import pg from 'pg';
import { createClient, createCluster } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';

/* A store through each of the clients that applications have, with a client of its own. */

export interface Options {
  /** The prefix or the schema. */
  readonly space: string;
  readonly watchEvery?: number;
}

export type Opening = (
  urls: readonly string[],
  options: Options,
) => Promise<{ readonly store: Store; closeClient(): Promise<unknown> }>;

async function onRedis(client: RedisClient, { space, ...rest }: Options, close: () => Promise<unknown>) {
  return { store: await redis(client, { prefix: `sojourn-${space}`, ...rest }), closeClient: close };
}

/** What is lost is told by the calls that fail. */
const ignored = (): void => {};

export const openings: Readonly<Record<string, Opening>> = {
  async redis([url = ''], options) {
    const client = createClient({ url, socket: { reconnectStrategy: 20 } }).on('error', ignored);
    await client.connect();
    return onRedis(client, options, () => client.close());
  },
  async 'redis cluster'(urls, options) {
    const client = createCluster({ rootNodes: urls.map((url) => ({ url })) }).on('error', ignored);
    await client.connect();
    return onRedis(client, options, () => client.close());
  },
  async ioredis([url = ''], options) {
    const client = new Redis(url, { retryStrategy: () => 20 }).on('error', ignored);
    return onRedis(client, options, () => client.quit());
  },
  async 'ioredis cluster'(urls, options) {
    const client = new Cluster([...urls]).on('error', ignored);
    return onRedis(client, options, () => client.quit());
  },
  async postgres([url], { space, ...rest }) {
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    pool.on('error', ignored);
    return { store: await postgres(pool, { schema: space, ...rest }), closeClient: () => pool.end() };
  },
};
