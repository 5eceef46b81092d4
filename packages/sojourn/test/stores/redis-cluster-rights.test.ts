import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Cluster } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { created, found, operation } from '../../src/stores/contract/subject.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { redisCluster } from './redis-cluster.ts';
import { listed } from './rights.ts';

const skip = skipWithout('redis-server', 'redis-cli');

const account = { username: 'sojourn', password: 'pass' };

const clients: Readonly<
  Record<string, (urls: readonly string[]) => Promise<{ client: RedisClient; close(): unknown }>>
> = {
  async 'redis cluster'(urls) {
    const client = createCluster({ rootNodes: urls.map((url) => ({ url })), defaults: account });
    // Told by the calls that fail.
    client.on('error', () => {});
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'ioredis cluster'(urls) {
    const client = new Cluster([...urls], { redisOptions: account });
    client.on('error', () => {});
    await once(client, 'ready');
    return { client, close: () => client.disconnect() };
  },
};

test('the account of sessions in a cluster needs no more than the commands that are listed', { skip }, async () => {
  const rights = [...listed('and no others'), ...listed('In a Cluster its client also needs')];
  const cluster = await redisCluster();
  try {
    for (const url of cluster.urls) {
      const node = createClient({ url });
      await node.connect();
      await node.sendCommand(['ACL', 'SETUSER', 'sojourn', 'on', '>pass', '~sojourn:*', '&sojourn:*', ...rights]);
      node.destroy();
    }
    for (const connect of Object.values(clients)) {
      const { client, close } = await connect(cluster.urls);
      try {
        const store = await redis(client);
        const visitor = await created(store, null);
        const { id } = await created(store, 'u1', {}, { replaces: { id: visitor.id, version: 1 } });
        assert.equal((await found(store, visitor.id)).ending?.replacedBy, id);
        await store.touch([{ id, seenAt: store.now() + 1 }]);
        await store.beat(null);
        await store.sweep(10);
        await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
        await store.purge('u1', { operation: operation() });
      } finally {
        close();
      }
    }
  } finally {
    await cluster.stop();
  }
});
