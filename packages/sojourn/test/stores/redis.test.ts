import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { skipWithout } from './process.ts';
import { contractThrough } from './redis-contract.ts';
import { redisServer } from './redis-server.ts';

contractThrough(['redis', 'ioredis'], skipWithout('redis-server'), async () => {
  const { url, stop } = await redisServer();
  const nodeRedis = createClient({ url });
  await nodeRedis.connect();
  const ioredis = new Redis(url);
  return {
    clients: {
      redis: { client: nodeRedis, close: () => nodeRedis.close() },
      ioredis: { client: ioredis, close: () => ioredis.quit() },
    },
    stop,
  };
});
