import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, found, minute, operation } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* What a sweep has claimed, other processes pass over: it must get through with it though another write comes first. */

/** What another process does when the first decision of this one is about to be written. */
class Overtaking {
  first: (() => Promise<unknown>) | null = null;

  async before(writes: boolean): Promise<void> {
    const { first } = this;
    if (!writes || first === null) return;
    this.first = null;
    await first();
  }
}

async function sweptInOneLap(store: Store, other: Store, overtaking: Overtaking, clock: { now: number }) {
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push((await created(other, 'u1')).id);
  const [touched = '', ended = '', ...rest] = ids;
  const seenAt = clock.now + 29 * minute;
  clock.now += 31 * minute;
  overtaking.first = async () => {
    await other.touch([{ id: touched, seenAt }]);
    await other.end(ended, { reason: 'signed_out', by: 'u1', operation: operation() });
  };
  const { expired, removed } = await store.sweep(100);
  assert.equal(overtaking.first, null);
  assert.deepEqual(expired.map(({ id }) => id).sort(), rest.toSorted());
  assert.equal(removed, 0);
  assert.equal((await found(other, touched)).ending, undefined);
  assert.equal((await found(other, ended)).ending?.reason, 'signed_out');

  clock.now += 29 * minute;
  const later = await other.sweep(100);
  assert.deepEqual(
    later.expired.map(({ id }) => id),
    [touched],
  );
}

const title = 'a sweep that other writes overtake ends in the same lap what it had claimed (G3, G6)';

test(`${title} [redis]`, { skip: skipWithout('redis-server') }, async () => {
  const server = await redisServer();
  const client = createClient({ url: server.url });
  await client.connect();
  const clock = { now: Date.now() };
  const options = { prefix: `sweep-${process.pid}`, now: () => clock.now };
  const overtaking = new Overtaking();
  const through: NodeRedisClient = {
    async sendCommand(args) {
      await overtaking.before(args.at(-1)?.includes('"guards"') ?? false);
      return client.sendCommand(args);
    },
  };
  try {
    await sweptInOneLap(await redis(through, options), await redis(client, options), overtaking, clock);
  } finally {
    await client.close();
    await server.stop();
  }
});

test(`${title} [pglite]`, async () => {
  const db = new PGlite();
  const clock = { now: Date.now() };
  const client: PostgresClient = { query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) };
  const overtaking = new Overtaking();
  const through: PostgresClient = {
    async query(statement) {
      await overtaking.before(statement.text.includes('.commit('));
      return client.query(statement);
    },
  };
  const options = { now: () => clock.now };
  await sweptInOneLap(await postgres(through, options), await postgres(client, options), overtaking, clock);
  await db.close();
});
