import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'redis';
import type { SessionEvent } from '../../src/lifecycle/events.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { SessionRecord } from '../../src/lifecycle/session.ts';
import { allEvents, created, found, operation } from '../../src/stores/contract/subject.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { said, sentinelClients, sentinelsOf } from './redis-sentinel.ts';
import { redisServer } from './redis-server.ts';

/* Endings that were acknowledged by a primary and are unknown to the one that takes its place. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');

async function terminalEvents(store: Store, id: string): Promise<SessionEvent[]> {
  const events = (await allEvents(store)).map(({ event }) => event);
  return events.filter(({ type, sessionId }) => sessionId === id && (type === 'terminated' || type === 'expired'));
}

/** Asks again until what is asked for has come about; errors are those of a failover. */
async function eventually<T>(ask: () => Promise<T>, enough: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer !== null && enough(answer)) return answer;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const hasEnded = ({ ending }: SessionRecord): boolean => ending !== undefined;

for (const [name, connect] of Object.entries(sentinelClients)) {
  test(`G3 G11: an acknowledged ending that a failover has lost is repeated, and one that it kept is not [redis, ${name}]`, {
    skip,
  }, async () => {
    const primary = await redisServer('--repl-diskless-sync-delay', '0');
    const port = Number(new URL(primary.url).port);
    const replica = await redisServer('--replicaof', '127.0.0.1', String(port));
    const replicaPort = Number(new URL(replica.url).port);
    while (!(await said(port, ['INFO', 'replication'])).includes('state=online'));
    const sentinels = await sentinelsOf(port);
    const { client, close } = await connect(sentinels.ports);
    try {
      const store = await redis(client);
      const [live, kept, lost] = [await created(store, 'u1'), await created(store, 'u1'), await created(store, 'u2')];
      const why = { reason: 'signed_out', by: 'u1' } as const;
      await store.end(kept.id, { ...why, operation: operation() });
      const before = await found(store, kept.id);
      assert.equal(await said(port, ['WAIT', '1', '10000']), '1');

      // The replica loses its primary and is not let in again.
      await said(replicaPort, ['CONFIG', 'SET', 'masteruser', 'nobody', 'masterauth', 'x']);
      await said(port, ['CLIENT', 'KILL', 'TYPE', 'replica']);
      await store.end(lost.id, { reason: 'administrator', by: 'root', operation: operation() });
      const ended = await found(store, lost.id);
      const text = await said(replicaPort, ['GET', `sojourn:{${lost.id.charAt(0)}}:s:${lost.id}`]);
      assert.doesNotMatch(text, /administrator/);

      await primary.stop('SIGKILL');
      const again = await eventually(() => found(store, lost.id), hasEnded);
      assert.deepEqual(again, ended);
      assert.deepEqual(await found(store, kept.id), before);
      assert.equal((await found(store, live.id)).ending, undefined);
      for (const { id, ending } of [before, ended]) {
        assert.deepEqual(
          (await terminalEvents(store, id)).map(({ at, reason, by }) => ({ reason, at, by })),
          [ending],
        );
      }
      assert.deepEqual((await store.list('u2')).live, []);
      await store.close();
    } finally {
      close();
      await sentinels.stop();
      await replica.stop();
      await primary.stop();
    }
  });
}

test('G3: what a restart has lost of an ending is repeated, with the data that it kept [redis]', { skip }, async () => {
  const server = await redisServer('--appendfsync', 'always');
  const client = createClient({ url: server.url, socket: { reconnectStrategy: 20 } });
  // Told by the calls that fail.
  client.on('error', () => {});
  await client.connect();
  try {
    const store = await redis(client);
    const { id } = await created(store, 'u1', { data: '{"cart":["a"]}' });
    const names = [`sojourn:{${id.charAt(0)}}:s:${id}`, `sojourn:{${id.charAt(0)}}:u:u1`];
    const before = await Promise.all(names.map((key) => client.get(key)));
    await store.end(id, { reason: 'rotation_lost', by: 'system', keepData: true, operation: operation() });
    const kept = (await store.subject('u1')).kept;
    assert.equal(kept?.data, '{"cart":["a"]}');

    for (const [i, key] of names.entries()) await client.set(key, before[i] ?? '');
    assert.equal((await found(store, id)).ending, undefined);
    await server.restart('SIGKILL');
    const again = await eventually(() => found(store, id), hasEnded);
    assert.equal(again.ending?.reason, 'rotation_lost');
    assert.deepEqual((await store.subject('u1')).kept, kept);
    await store.close();
  } finally {
    client.destroy();
    await server.stop();
  }
});
