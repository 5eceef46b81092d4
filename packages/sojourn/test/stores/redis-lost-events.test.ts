import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'redis';
import { allEvents, created, hour, operation, writing } from '../../src/stores/contract/subject.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { code } from '../lab.ts';
import { skipWithout } from './process.ts';
import { onSeam, type Seam } from './redis-seam.ts';
import { redisServer } from './redis-server.ts';

/* A primary that lost the last writes gives their numbers out again: no cursor from before may pass over the new events. */

const onRedis = onSeam();
const day = 24 * hour;

/** Puts everything back to where it is now, as a failover or a backup does. */
async function remembered({ send, prefix }: Seam): Promise<() => Promise<void>> {
  const keys = async (): Promise<string[]> => [await send(['KEYS', `${prefix}:*`])].flat().map(String);
  const kept: [string, string][] = [];
  for (const key of await keys()) {
    await send(['COPY', key, `kept-${key}`, 'REPLACE']);
    kept.push([key, `kept-${key}`]);
  }
  return async () => {
    for (const key of await keys()) await send(['DEL', key]);
    for (const [key, copy] of kept) await send(['COPY', copy, key]);
  };
}

onRedis('G11: a cursor is lost where its event is gone and another has its number', async (seam) => {
  const { store } = seam;
  await created(store, 'u1');
  const undo = await remembered(seam);
  await created(store, 'u1');
  const read = (await store.events(null, 10)).cursor;
  const newest = await store.cursor();
  await undo();
  await assert.rejects(async () => store.events(read, 10), code('cursor_lost'));
  await created(store, 'u1');
  for (const cursor of [read, newest]) await assert.rejects(async () => store.events(cursor, 10), code('cursor_lost'));
  await created(store, 'u1');
  for (const cursor of [read, newest]) await assert.rejects(async () => store.events(cursor, 10), code('cursor_lost'));
  assert.equal((await allEvents(store)).length, 3);
});

onRedis('G11: a cursor whose event has survived goes on, though later ones were lost', async (seam) => {
  const { store } = seam;
  await created(store, 'u1');
  await created(store, 'u2');
  const { cursor } = await store.events(null, 10);
  const undo = await remembered(seam);
  await created(store, 'u1');
  await undo();
  const { id } = await created(store, 'u1');
  const { events } = await store.events(cursor, 10);
  assert.deepEqual(
    events.map(({ event }) => event.sessionId),
    [id],
  );
});

onRedis('G11: what is no event counts on and brings no cursor back', async (seam) => {
  const { store } = seam;
  const { id } = await created(store, 'u1');
  const undo = await remembered(seam);
  await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  const cursor = await store.cursor();
  await undo();
  await store.update(id, 1, { data: '{"n":1}' }, writing());
  await assert.rejects(async () => store.events(cursor, 10), code('cursor_lost'));
});

onRedis(
  'G11: a cursor at the last event that was forgotten is still told from one of another history',
  async (seam) => {
    const { store, clock } = seam;
    const undo = await remembered(seam);
    await created(store, 'u1');
    const theirs = await store.cursor();
    await undo();
    await created(store, 'u1');
    const ours = await store.cursor();
    clock.now += 29 * day;
    await store.sweep(100);
    const { events } = await store.events(ours, 10);
    assert.ok(events.length > 0);
    await assert.rejects(async () => store.events(theirs, 10), code('cursor_lost'));
  },
);

onRedis('G11: a purge between two reads loses no cursor', async ({ store }) => {
  await created(store, 'u1');
  const cursor = await store.cursor();
  await created(store, 'u1');
  await store.purge('u1', { operation: operation() });
  assert.ok((await store.events(cursor, 10)).events.length > 0);
});

async function connect(url: string): Promise<NodeRedisClient & { destroy(): void }> {
  const client = createClient({ url });
  // Told by the calls that fail.
  client.on('error', () => {});
  await client.connect();
  return client;
}

test('G11: a consumer that was away while a failover lost events is told so, however far it has counted on [redis]', {
  skip: process.env['REDIS_URL'] ? 'this test stops its servers' : skipWithout('redis-server'),
}, async () => {
  const primary = await redisServer('--repl-diskless-sync-delay', '0');
  const replica = await redisServer('--replicaof', '127.0.0.1', new URL(primary.url).port);
  const [before, after] = [await connect(primary.url), await connect(replica.url)];
  try {
    while (!String(await before.sendCommand(['INFO', 'replication'])).includes('state=online')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const store = await redis(before);
    for (let i = 0; i < 3; i++) await created(store, 'u1');
    const survived = await store.cursor();
    assert.equal(await before.sendCommand(['WAIT', '1', '10000']), 1);
    await after.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    for (let i = 0; i < 3; i++) await created(store, 'u1');
    const lost = await store.cursor();
    await primary.stop('SIGKILL');
    const promoted = await redis(after);
    for (let i = 0; i < 3; i++) await created(promoted, 'u1');
    assert.equal((await promoted.events(survived, 10)).events.length, 3);
    await assert.rejects(async () => promoted.events(lost, 10), code('cursor_lost'));
  } finally {
    before.destroy();
    after.destroy();
    await replica.stop();
    await primary.stop();
  }
});
