import assert from 'node:assert/strict';
import { test } from 'node:test';
import { creating, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { untilHeard } from './hearing.ts';
import { skipWithout } from './process.ts';
import { said, sentinelClients, sentinelsOf } from './redis-sentinel.ts';
import { redisServer } from './redis-server.ts';

/* A primary and its replica, watched by three sentinels; the primary is killed while sessions are written. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');

for (const [name, connect] of Object.entries(sentinelClients)) {
  test(`G3 G5: over a failover nothing is lost that a replica had confirmed, and ends stay ends [redis, ${name}]`, {
    skip,
  }, async () => {
    const primary = await redisServer('--repl-diskless-sync-delay', '0');
    const { port } = new URL(primary.url);
    const replica = await redisServer('--replicaof', '127.0.0.1', port);
    while (!(await said(Number(port), ['INFO', 'replication'])).includes('state=online'));
    const sentinels = await sentinelsOf(Number(port));
    const { client, close } = await connect(sentinels.ports);
    try {
      const store = await redis(client, { waitReplicas: { count: 1, timeout: 5000 } });
      store.listen(() => {});
      await untilHeard(store, store);
      const sign = () => store.create(newSession('u1'), creating({ checkedAt: store.now() + 60_000 }));
      const [live, ended] = [await sign(), await sign()].map((made) =>
        made.outcome === 'created' ? made.record.id : '',
      );
      assert.ok(live && ended);
      await store.end(ended, { reason: 'signed_out', by: 'u1', operation: operation() });

      await primary.stop('SIGKILL');
      const after = await redis(client).catch(() => null);
      const now = after ?? (await reopened(client));
      // It has no replica now, but the sentinels may give it one.
      assert.deepEqual(
        now.warnings?.map(({ code }) => code),
        ['min_replicas_unset'],
      );
      assert.equal((await found(now, live)).ending, undefined);
      assert.equal((await found(now, ended)).ending?.reason, 'signed_out');
      assert.equal(
        (await now.create(newSession('u2'), creating({ checkedAt: now.now() + 60_000 }))).outcome,
        'created',
      );
      await untilHeard(store, now);
    } finally {
      close();
      await sentinels.stop();
      await replica.stop();
      await primary.stop();
    }
  });
}

/** Once the sentinels have agreed on another primary. */
async function reopened(client: RedisClient): ReturnType<typeof redis> {
  for (;;) {
    const store = await redis(client).catch(() => null);
    if (store !== null) return store;
  }
}
