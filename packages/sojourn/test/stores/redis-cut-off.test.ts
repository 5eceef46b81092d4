import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'redis';
import { NearCache } from '../../src/cache/cache.ts';
import { created, operation, writing } from '../../src/stores/contract/subject.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { systemClock, systemHash } from '../../src/world.ts';
import { code } from '../lab.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* What a process remembers, when the primary it asks is no longer the one that others write to. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');
const bound = 200;

async function connect(url: string): Promise<NodeRedisClient & { destroy(): void }> {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function pair(...settings: string[]): Promise<{
  primary: Awaited<ReturnType<typeof redisServer>>;
  replica: Awaited<ReturnType<typeof redisServer>>;
}> {
  const primary = await redisServer('--repl-diskless-sync-delay', '0', ...settings);
  const replica = await redisServer('--replicaof', '127.0.0.1', new URL(primary.url).port);
  const client = await connect(primary.url);
  while (!String(await client.sendCommand(['INFO', 'replication'])).includes('state=online')) await turn();
  client.destroy();
  return { primary, replica };
}

test('G7: a primary that was cut off from its replicas proves nothing, though it answers and publishes [redis]', {
  skip,
}, async () => {
  const { primary, replica } = await pair('--min-replicas-to-write', '1', '--min-replicas-max-lag', '1');
  const client = await connect(primary.url);
  try {
    const store = await redis(client);
    const near = new NearCache(store, systemClock, systemHash, {
      bound,
      deadline: 2000,
      bytes: 1_000_000,
      skewed: () => {},
    });
    const { id } = await created(store, 'u1');
    while (near.get(id) === null) {
      await near.store.find(id);
      await turn();
    }
    await replica.stop();
    const refused = async (): Promise<boolean> =>
      client.sendCommand(['SET', 'others', '1']).then(
        () => false,
        () => true,
      );
    while (!(await refused())) near.get(id);
    const tried = (): number => near.counts.beats + near.counts.beatsFailed;
    // As many beats as the bound has room for, twice.
    for (const before = tried(); tried() < before + 8; await turn()) near.get(id);
    assert.equal(near.get(id), null);
    await assert.rejects(async () => near.store.find(id), code('store_unavailable'));
    assert.ok(await client.sendCommand(['GET', `sojourn:{${id.charAt(0)}}:s:${id}`]));
    assert.equal(typeof (await client.sendCommand(['PUBLISH', 'any', 'x'])), 'number');
    await near.store.close();
  } finally {
    client.destroy();
    await replica.stop();
    await primary.stop();
  }
});

test('G7: a primary that lost the last writes and has counted on empties what is remembered [redis]', {
  skip,
}, async () => {
  const { primary, replica } = await pair();
  const [before, after] = [await connect(primary.url), await connect(replica.url)];
  let now = before;
  // As a client of the sentinels is moved to another primary.
  const moved: NodeRedisClient = { sendCommand: (command) => now.sendCommand(command) };
  try {
    const store = await redis(moved);
    const [x, y] = [await created(store, 'u1'), await created(store, 'u1')];
    while (!(await after.sendCommand(['EXISTS', `sojourn:{${y.id.charAt(0)}}:s:${y.id}`]))) await turn();
    await after.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    // One change that the replica never gets, and another in its place.
    await store.update(x.id, 1, { data: '{"lost":1}' }, writing());
    const { mark } = await store.beat(null);
    const successor = await redis(after);
    await successor.end(y.id, { reason: 'signed_out', by: 'u1', operation: operation() });
    now = after;
    const beat = await store.beat(mark);
    assert.deepEqual(beat.lost, [mark.numbers.findIndex((number) => number > 0)]);
    await store.close();
    await successor.close();
  } finally {
    before.destroy();
    after.destroy();
    await replica.stop();
    await primary.stop();
  }
});
