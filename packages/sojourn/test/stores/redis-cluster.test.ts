import { after, before } from 'node:test';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { storeContract } from '../../src/stores/contract/contract.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { type RedisCluster, redisCluster } from './redis-cluster.ts';

/* Three primaries with replicas, once through each of the two clients that applications have. */

const skip = skipWithout('redis-server', 'redis-cli');
let cluster: RedisCluster | null = null;
const clients = new Map<string, RedisClient>();
const closing: (() => unknown)[] = [];
let prefixes = 0;

before(async () => {
  if (skip) return;
  cluster = await redisCluster();
  const nodeRedis = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) });
  await nodeRedis.connect();
  const ioredis = new Cluster([...cluster.urls]);
  clients.set('redis cluster', nodeRedis).set('ioredis cluster', ioredis);
  closing.push(
    () => nodeRedis.close(),
    () => ioredis.quit(),
  );
});
after(async () => {
  for (const close of closing) await close();
  await cluster?.stop();
});

for (const name of ['redis cluster', 'ioredis cluster']) {
  storeContract(
    name,
    async (now) => {
      const client = clients.get(name);
      if (client === undefined) throw new Error('no server');
      prefixes += 1;
      const prefix = `sojourn-${process.pid}-${prefixes}`;
      const open = (): ReturnType<typeof redis> => redis(client, { prefix, now, watchEvery: 20 });
      return { store: await open(), another: open, reopen: open };
    },
    { skip },
  );
}
