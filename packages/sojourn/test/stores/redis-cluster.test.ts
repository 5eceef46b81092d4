import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { skipWithout } from './process.ts';
import { redisCluster } from './redis-cluster.ts';
import { contractThrough } from './redis-contract.ts';

/* Three primaries with replicas. */

contractThrough(['redis cluster', 'ioredis cluster'], skipWithout('redis-server', 'redis-cli'), async () => {
  const { urls, stop } = await redisCluster();
  const nodeRedis = createCluster({ rootNodes: urls.map((url) => ({ url })) });
  await nodeRedis.connect();
  const ioredis = new Cluster([...urls]);
  return {
    clients: {
      'redis cluster': { client: nodeRedis, close: () => nodeRedis.close() },
      'ioredis cluster': { client: ioredis, close: () => ioredis.quit() },
    },
    stop,
  };
});
