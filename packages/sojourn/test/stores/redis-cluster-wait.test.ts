import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { created, found, operation } from '../../src/stores/contract/subject.ts';
import type { NodeRedisClient, RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { code } from '../lab.ts';
import { skipWithout } from './process.ts';
import { type RedisCluster, redisCluster } from './redis-cluster.ts';

/* In a cluster WAIT has to reach the primary that took the write, over the connection that brought it. */

const skip = skipWithout('redis-server', 'redis-cli');
const waitReplicas = { count: 1, timeout: 10_000 };

const clients: Readonly<
  Record<string, (urls: readonly string[], use: (client: RedisClient) => Promise<void>) => Promise<void>>
> = {
  'redis cluster': async (urls, use) => {
    const client = createCluster({ rootNodes: urls.map((url) => ({ url })) });
    client.on('error', () => {});
    await client.connect();
    await use(client).finally(() => client.destroy());
  },
  'ioredis cluster': async (urls, use) => {
    const client = new Cluster([...urls]);
    await use(client).finally(() => client.disconnect());
  },
};

type Node = NodeRedisClient & { destroy(): void };

/** The primary and the replica of a key. */
async function nodesOf({ urls }: RedisCluster, key: string): Promise<{ primary: Node; replica: Node }> {
  const nodes = await Promise.all(
    urls.map((url) => {
      const node = createClient({ url });
      // Told by the calls that fail.
      node.on('error', () => {});
      return node.connect();
    }),
  );
  let primary: Node | null = null;
  let replica: Node | null = null;
  for (const node of nodes) {
    const owns = await node.sendCommand(['GET', key]).then(
      () => true,
      () => false,
    );
    await node.sendCommand(['READONLY']);
    const reads =
      owns ||
      (await node.sendCommand(['GET', key]).then(
        () => true,
        () => false,
      ));
    if (owns) primary = node;
    else if (reads) replica = node;
    else node.destroy();
  }
  assert.ok(primary && replica);
  return { primary, replica };
}

/** Asks until what is said holds. */
async function until(node: NodeRedisClient, section: string, said: string): Promise<void> {
  while (!String(await node.sendCommand(['INFO', section])).includes(said)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const [name, connect] of Object.entries(clients)) {
  test(`G5: with waitReplicas a write is acknowledged once a replica of its own primary has it [${name}]`, {
    skip,
  }, async () => {
    const cluster = await redisCluster();
    try {
      await connect(cluster.urls, async (client) => {
        const store = await redis(client, { waitReplicas });
        const { id } = await created(store, 'u1');
        const key = `sojourn:{${id.charAt(0)}}:s:${id}`;
        const { primary, replica } = await nodesOf(cluster, key);
        assert.ok(await replica.sendCommand(['GET', key]));

        // The two change places: who does not know it yet is told where to go.
        await replica.sendCommand(['CLUSTER', 'FAILOVER']);
        await until(replica, 'replication', 'role:master');
        await until(replica, 'replication', 'state=online');
        await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
        assert.equal((await found(store, id)).ending?.reason, 'signed_out');

        // The one that is replica now loses its primary and is not let in again.
        await primary.sendCommand(['CONFIG', 'SET', 'masteruser', 'nobody', 'masterauth', 'x']);
        await replica.sendCommand(['CLIENT', 'KILL', 'TYPE', 'replica']);
        await until(replica, 'replication', 'connected_slaves:0');
        const refused: boolean[] = [];
        for (let i = 0; i < 10; i++) {
          const subject = `v${i}`;
          const signIn = created(await redis(client, { waitReplicas: { count: 1, timeout: 1000 } }), subject);
          const made = await signIn.catch((error: unknown) => error);
          const [{ id: written } = { id: '' }] = (await store.list(subject)).live;
          const theirs = await replica.sendCommand(['GET', `sojourn:{${written.charAt(0)}}:s:${written}`]).then(
            () => true,
            () => false,
          );
          if (theirs) assert.ok(code('store_unavailable')(made));
          else assert.equal(made instanceof Error, false, subject);
          refused.push(theirs);
        }
        assert.deepEqual(new Set(refused), new Set([true, false]));
        primary.destroy();
        replica.destroy();
        await store.close();
      });
    } finally {
      await cluster.stop();
    }
  });
}

test('G16: waitReplicas through a client that cannot keep WAIT with the write is refused [redis]', async () => {
  const client: RedisClient = { sendCommand: () => assert.fail('nothing is sent') };
  await assert.rejects(redis(client, { waitReplicas }), code('option_invalid'));
});
