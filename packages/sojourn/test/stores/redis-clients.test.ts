import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool } from 'redis';
import { creating, newSession } from '../../src/stores/contract/subject.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { code } from '../lab.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* What applications set on their clients, where it would make an acknowledged write none. */

test('G16: a client of ioredis that gives keys a prefix of its own is refused, with what to do instead [redis]', async () => {
  const options = { lazyConnect: true, keyPrefix: 'app:' } as const;
  const clients = [
    new Redis(options),
    new Cluster([], options),
    new Cluster([], { lazyConnect: true, redisOptions: options }),
  ];
  for (const client of clients) {
    await assert.rejects(redis(client), code('option_invalid'));
    await assert.rejects(redis(client), /without keyPrefix.*prefix: 'app:sojourn'/);
    client.disconnect();
  }
});

test('G7: a cluster whose reads go to replicas is refused at the start', async () => {
  for (const scaleReads of ['slave', 'all'] as const) {
    const client = new Cluster([], { lazyConnect: true, scaleReads });
    await assert.rejects(redis(client), code('option_invalid'));
    client.disconnect();
  }
});

async function connect(url: string): Promise<NodeRedisClient & { destroy(): void }> {
  const client = createClient({ url });
  await client.connect();
  return client;
}

test('G5: with waitReplicas each write of a pool of connections waits on the one that wrote [redis]', {
  skip: process.env['REDIS_URL'] ? 'this test stops its servers' : skipWithout('redis-server'),
}, async () => {
  const primary = await redisServer('--repl-diskless-sync-delay', '0');
  const replica = await redisServer('--replicaof', '127.0.0.1', new URL(primary.url).port);
  const plain = await connect(primary.url);
  const pool = createClientPool({ url: primary.url }, { minimum: 6, maximum: 6 });
  await pool.connect();
  try {
    while (!String(await plain.sendCommand(['INFO', 'replication'])).includes('state=online')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const store = await redis(pool, { waitReplicas: { count: 1, timeout: 10_000 } });
    const signIn = (subject: string) =>
      store.create(newSession(subject), creating({ checkedAt: store.now() + 60_000 }));
    const made = await Promise.all(Array.from({ length: 12 }, (_, i) => signIn(`u${i}`)));
    assert.ok(made.every(({ outcome }) => outcome === 'created'));
    await replica.stop();
    const hasty = await redis(pool, { waitReplicas: { count: 1, timeout: 10 } });
    const signInNow = async (subject: string) =>
      hasty.create(newSession(subject), creating({ checkedAt: hasty.now() + 60_000 }));
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => signInNow(`v${i}`)));
    for (const answer of answers) assert.ok(answer.status === 'rejected' && code('store_unavailable')(answer.reason));
  } finally {
    await pool.close();
    plain.destroy();
    await replica.stop();
    await primary.stop();
  }
});
