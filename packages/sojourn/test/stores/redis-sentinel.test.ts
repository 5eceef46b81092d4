import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createClient, createSentinel } from 'redis';
import { creating, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { freePort, needed, newFolder, type Started, skipWithout, start, until } from './process.ts';
import { redisServer } from './redis-server.ts';

/* A primary and its replica, watched by three sentinels; the primary is killed while sessions are written. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');

interface Sentinels {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

async function sentinelsOf(primary: number): Promise<Sentinels> {
  const folder = newFolder('sentinel');
  const all: { readonly port: number; readonly started: Started }[] = [];
  for (let i = 0; i < 3; i++) {
    const port = await freePort();
    const path = join(folder.path, `${port}.conf`);
    writeFileSync(
      path,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder.path}`,
        `sentinel monitor main 127.0.0.1 ${primary} 2`,
        'sentinel down-after-milliseconds main 500',
        'sentinel failover-timeout main 3000',
      ].join('\n'),
    );
    const started = start(needed('redis-server'), [path, '--sentinel']);
    await until(started, async () => {
      // Each knows the replica and the other two before anything is killed.
      const text = await said(port, ['SENTINEL', 'MASTER', 'main']);
      if (!/num-slaves,1,.*num-other-sentinels,[0-2]/.test(text)) throw new Error(text);
    });
    all.push({ port, started });
  }
  for (const { port, started } of all) {
    await until(started, async () => {
      if (!/num-other-sentinels,2/.test(await said(port, ['SENTINEL', 'MASTER', 'main']))) throw new Error('alone');
    });
  }
  return {
    ports: all.map(({ port }) => port),
    async stop() {
      for (const { started } of all) await started.stop();
      folder.remove();
    },
  };
}

async function said(port: number, command: string[]): Promise<string> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2, socket: { reconnectStrategy: false } });
  await client.connect();
  try {
    return String(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
}

const clients = {
  'node-redis': async (ports: readonly number[]) => {
    const sentinelRootNodes = ports.map((port) => ({ host: '127.0.0.1', port }));
    const client = createSentinel({ name: 'main', sentinelRootNodes, scanInterval: 100 });
    // Told by the calls that fail.
    client.on('error', () => {});
    await client.connect();
    return { client: client as RedisClient, close: () => client.destroy() };
  },
  ioredis: async (ports: readonly number[]) => {
    const client = new Redis({ name: 'main', sentinels: ports.map((port) => ({ host: '127.0.0.1', port })) });
    client.on('error', () => {});
    return { client: client as RedisClient, close: () => client.disconnect() };
  },
};

for (const [name, connect] of Object.entries(clients)) {
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
      const sign = () => store.create(newSession('u1'), creating({ checkedAt: store.now() + 60_000 }));
      const [live, ended] = [await sign(), await sign()].map((made) =>
        made.outcome === 'created' ? made.record.id : '',
      );
      assert.ok(live && ended);
      await store.end(ended, { reason: 'signed_out', by: 'u1', operation: operation() });

      await primary.stop('SIGKILL');
      const after = await redis(client, { waitReplicas: { count: 0, timeout: 1 } }).catch(() => null);
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
