import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'redis';
import { creating, newSession } from '../../src/stores/contract/subject.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { code } from '../lab.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* WAIT keeps all else on its connection waiting, so a replica that does not answer must not cost one for each write. */

const skip = process.env['REDIS_URL'] ? 'this test counts the commands of its server' : skipWithout('redis-server');

test('G8: writes that wait for a replica which does not answer wait together [redis]', { skip }, async () => {
  const server = await redisServer();
  const client = await createClient({ url: server.url }).connect();
  try {
    const store = await redis(client, { waitReplicas: { count: 1, timeout: 100 } });
    const signIns = Array.from({ length: 40 }, async (_, i) =>
      store.create(newSession(`u${i}`), creating({ checkedAt: store.now() + 60_000 })),
    );
    const answers = await Promise.allSettled(signIns);
    for (const answer of answers) assert.ok(answer.status === 'rejected' && code('store_unavailable')(answer.reason));
    assert.equal((await store.page(null, 100)).records.length, 40);
    const calls = /cmdstat_wait:calls=(\d+)/.exec(String(await client.sendCommand(['INFO', 'commandstats'])));
    assert.ok(Number(calls?.[1]) <= 6, `${calls?.[1]} times`);
  } finally {
    client.destroy();
    await server.stop();
  }
});
