import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { createSessions } from '../../src/sessions.ts';
import type { LogEntry } from '../../src/settings.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* A primary whose place another may take while it cannot be reached from everywhere. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');

const guarded = ['CONFIG', 'SET', 'min-replicas-to-write', '1', 'min-replicas-max-lag', '10'];

function warned({ warnings = [] }: Store): string[] {
  return warnings.map(({ code }) => code);
}

async function replicated(client: NodeRedisClient): Promise<void> {
  while (!String(await client.sendCommand(['INFO', 'replication'])).includes('state=online')) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('G7 G16: a primary with replicas that would take writes when it is cut off is told to the log [redis]', {
  skip,
}, async () => {
  const primary = await redisServer('--repl-diskless-sync-delay', '0');
  const client = createClient({ url: primary.url });
  await client.connect();
  const replica = await redisServer('--replicaof', '127.0.0.1', new URL(primary.url).port);
  try {
    await replicated(client);
    const store = await redis(client);
    assert.deepEqual(warned(store), ['min_replicas_unset']);
    const log: LogEntry[] = [];
    const sessions = createSessions({ store, sweepEvery: 'never', log: (entry) => log.push(entry) });
    await sessions.close();
    assert.deepEqual(
      log.map(({ level, code }) => [level, code]),
      [['warn', 'min_replicas_unset']],
    );
    assert.match(log[0]?.message ?? '', /Set min-replicas-to-write and min-replicas-max-lag/);

    await client.sendCommand(guarded);
    assert.deepEqual(warned(await redis(client)), []);
    await client.sendCommand(['CONFIG', 'SET', 'min-replicas-max-lag', '0']);
    assert.deepEqual(warned(await redis(client)), ['min_replicas_unset']);
  } finally {
    client.destroy();
    await replica.stop();
    await primary.stop();
  }
});

test('G7: a server that nobody takes the place of is warned of only where replicas are meant to be [redis]', {
  skip,
}, async () => {
  const server = await redisServer();
  const client = createClient({ url: server.url });
  await client.connect();
  const single = new Redis(server.url);
  try {
    assert.deepEqual(warned(await redis(client)), []);
    assert.deepEqual(warned(await redis(single)), []);
    const meant = await redis(client, { waitReplicas: { count: 1, timeout: 10 } });
    assert.deepEqual(warned(meant), ['min_replicas_unset']);
  } finally {
    client.destroy();
    single.disconnect();
    await server.stop();
  }
});
