import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { createClient } from 'redis';
import { withDeadline } from '../../src/lifecycle/deadline.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, creating, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { TestClock } from '../../src/testing/clock.ts';
import { code } from '../lab.ts';
import { stagedEngines } from './commits.ts';
import { postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/* Whoever was told that nobody knows tries again: what they asked for first must not happen afterwards. */

const revoking = { reason: 'revoked', by: 'x' } as const;

async function turns(until: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await until())) await new Promise((resolve) => setImmediate(resolve));
}

for (const [name, { skip, start }] of Object.entries(stagedEngines)) {
  test(`G8: a commit that a client sends late, as after a reconnect, does nothing [${name}]`, { skip }, async () => {
    const engine = await start();
    try {
      const { store, other } = await engine.open();
      const record = await created(store, 'u1');
      const until = store.now() + 50;
      engine.hold(() => turns(async () => (await engine.time()) > until));
      await assert.rejects(
        store.endAll('u1', { ...revoking, operation: operation(), until }),
        code('store_unavailable'),
      );
      assert.deepEqual(await found(other, record.id), record);
      assert.equal((await other.subject('u1')).changedAt, 0);
    } finally {
      await engine.stop();
    }
  });

  test(`a connection that never answers holds up no later write of the subject [${name}]`, { skip }, async () => {
    const engine = await start();
    try {
      const now = Date.now();
      const { store, other } = await engine.open(() => now);
      const record = await created(store, 'u1');
      engine.hold(() => new Promise(() => {}));
      store.endAll('u1', { ...revoking, operation: operation(), until: now + 5 });
      await store.endAll('u1', { ...revoking, operation: operation() });
      assert.equal((await found(other, record.id)).ending?.reason, 'revoked');
    } finally {
      await engine.stop();
    }
  });
}

/** What the engine has been asked for, also where nobody listens to the answer any more. */
function overheard(store: Store): { readonly store: Store; readonly answers: Promise<unknown>[]; until: number } {
  const heard = { answers: [] as Promise<unknown>[], until: 0 };
  const create: Store['create'] = (session, options) => {
    const answer = store.create(session, options);
    heard.answers.push(answer);
    heard.until = options.until ?? 0;
    return answer;
  };
  return Object.assign(heard, { store: { ...store, create } });
}

test('G8 G9: sign-ins that were answered as unknown while Redis stood still displace nobody when it goes on [redis]', {
  skip: process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server'),
}, async () => {
  const server = await redisServer();
  const client = createClient({ url: server.url });
  await client.connect();
  const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  const engine = overheard(await redis(client));
  const clock = new TestClock();
  const store = withDeadline(engine.store, clock, 50);
  const limit = { most: 3, over: 'end-oldest' } as const;
  const signIn = (): ReturnType<Store['create']> =>
    store.create(newSession('u1'), creating({ limit, checkedAt: Date.now() + 60_000 }));
  try {
    for (let i = 0; i < 3; i++) assert.equal((await signIn()).outcome, 'created');
    const { live } = await store.list('u1');
    engine.answers.length = 0;
    process.kill(pid, 'SIGSTOP');
    const asked = [signIn(), signIn(), signIn()].map((answer) => assert.rejects(answer, code('store_unavailable')));
    clock.advance(50);
    await Promise.all(asked);
    await turns(() => store.now() > engine.until);
    process.kill(pid, 'SIGCONT');
    const late = await Promise.allSettled(engine.answers);
    assert.deepEqual(
      late.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.deepEqual((await store.list('u1')).live, live);
  } finally {
    process.kill(pid, 'SIGCONT');
    client.destroy();
    await server.stop();
  }
});

test('G8: a commit that waits for a lock longer than anybody waits for it does nothing [postgres]', {
  skip: skipWithout('initdb', 'postgres'),
}, async () => {
  const server = await postgresServer();
  const pool = new pg.Pool({ connectionString: server.url, max: 4 });
  // Told by the calls that fail.
  pool.on('error', () => {});
  const schema = `late_${process.pid}`;
  const holder = await pool.connect();
  try {
    const store = await postgres(pool, { schema });
    const record = await created(store, 'u1');
    await holder.query(`BEGIN; SELECT 1 FROM ${schema}.partitions FOR UPDATE`);
    const until = store.now() + 50;
    const refused = assert.rejects(
      store.endAll('u1', { ...revoking, operation: operation(), until }),
      code('store_unavailable'),
    );
    await turns(async () => {
      const { rows } = await holder.query(`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`);
      return Number(rows[0].now) > until;
    });
    await holder.query('ROLLBACK');
    await refused;
    assert.deepEqual(await found(store, record.id), record);
  } finally {
    holder.release();
    await pool.end();
    await server.stop();
  }
});
