import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'redis';
import { partitionOf } from '../../src/lifecycle/token.ts';
import { created, operation, writing } from '../../src/stores/contract/subject.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { clusterOf } from './redis-seam.ts';
import { redisServer } from './redis-server.ts';

/* The nodes of a cluster have clocks of their own, and a command without a key goes to any of them. */

const skip = process.env['REDIS_URL'] ? 'other tests have their keys there' : skipWithout('redis-server');

test('a write in a cluster goes by the clock of its own partition’s node only [redis cluster]', { skip }, async () => {
  const server = await redisServer();
  const client = await createClient({ url: server.url }).connect();
  try {
    const sent: (readonly string[])[] = [];
    const seen = clusterOf({
      sendCommand: (args) => {
        sent.push(args);
        return client.sendCommand(args);
      },
    });
    const store = await redis(seen, { subscribe: false });
    sent.length = 0;
    const { id } = await created(store, 'u1', {}, { checkedAt: store.now() + 60_000 });
    await store.update(id, 1, { data: '{"n":1}' }, writing());
    await store.setPermissions('u1', ['a'], { operation: operation() });
    await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    const keys = sent.map(([name = '', ...args]) => (name.startsWith('EVAL') ? args[2] : args[0]) ?? name);
    const places = new Set(keys.map((key) => /^sojourn:\{(.)\}:/.exec(key)?.[1] ?? key));
    assert.deepEqual([...places].map(partitionOf), [partitionOf(id)], String([...places]));
  } finally {
    client.destroy();
    await server.stop();
  }
});
