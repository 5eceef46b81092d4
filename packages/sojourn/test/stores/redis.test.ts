import { after, before } from 'node:test';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { storeContract } from '../../src/stores/contract/contract.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { type RedisServer, redisServer } from './redis-server.ts';

/* Once through each of the two clients that applications have. */

const skip = skipWithout('redis-server');
let server: RedisServer | null = null;
const clients = new Map<string, RedisClient>();
const closing: (() => unknown)[] = [];
let prefixes = 0;

before(async () => {
  if (skip) return;
  server = await redisServer();
  const nodeRedis = createClient({ url: server.url });
  await nodeRedis.connect();
  const ioredis = new Redis(server.url);
  clients.set('redis', nodeRedis).set('ioredis', ioredis);
  closing.push(
    () => nodeRedis.close(),
    () => ioredis.quit(),
  );
});
after(async () => {
  for (const close of closing) await close();
  await server?.stop();
});

for (const name of ['redis', 'ioredis']) {
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
