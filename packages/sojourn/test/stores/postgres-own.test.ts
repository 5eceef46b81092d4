import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { allEvents, created, creating, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { TestClock } from '../../src/testing/clock.ts';
import { code, Lab } from '../lab.ts';
import { pgbouncer } from './pgbouncer.ts';
import { type PostgresServer, postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';
import { assertToldInPlace, unreadableKept } from './unreadable-event.ts';

/* What is PostgreSQL's own: migrations, poolers, rows that cannot be read, a server that dies. */

const skip = process.env['DATABASE_URL'] ? 'these tests stop their servers' : skipWithout('initdb', 'postgres');
let server: PostgresServer;
let pool: pg.Pool;
let schemas = 0;

before(async () => {
  if (skip) return;
  server = await postgresServer();
  pool = poolOf(server.url);
});
after(async () => {
  await pool?.end();
  await server?.stop();
});

function poolOf(url: string): pg.Pool {
  const made = new pg.Pool({ connectionString: url, max: 8 });
  // Told by the calls that fail.
  made.on('error', () => {});
  return made;
}

function freshSchema(): string {
  schemas += 1;
  return `own_${schemas}`;
}

test('several processes that start at once make one schema [postgres]', { skip }, async () => {
  const schema = freshSchema();
  const stores = await Promise.all(Array.from({ length: 6 }, () => postgres(pool, { schema })));
  const cursors = await Promise.all(stores.map(async (store) => store.cursor()));
  assert.equal(new Set(cursors).size, 1);
});

test('sign-ins of one user that wait for one another are written together [postgres]', { skip }, async () => {
  let commits = 0;
  const counting: PostgresClient = {
    query(statement) {
      if (statement.name?.endsWith('.commit')) commits += 1;
      return pool.query(statement);
    },
  };
  const store = await postgres(counting, { schema: freshSchema() });
  const limit = { most: 5, over: 'end-oldest' } as const;
  await Promise.all(Array.from({ length: 320 }, () => created(store, 'u1', {}, { limit })));
  assert.equal((await store.list('u1')).live.length, 5);
  // 32 at a time, and the first perhaps by itself.
  assert.ok(commits >= 10 && commits <= 11, String(commits));
  await store.close();
});

test('G8: a sign-in that the engine fails takes none of those with it that waited beside it [postgres]', {
  skip,
}, async () => {
  const failing: PostgresClient = {
    async query(statement) {
      if (JSON.stringify(statement.values).includes('poison')) throw new Error('out of range');
      return pool.query(statement);
    },
  };
  const store = await postgres(failing, { schema: freshSchema() });
  const data = (n: number): string => JSON.stringify(n === 7 ? { is: 'poison' } : {});
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => created(store, 'u1', { data: data(n) })),
  );
  assert.deepEqual(
    results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : [])),
    [7],
  );
  assert.equal((await store.list('u1')).live.length, 19);
  await store.close();
});

test('G7: a primary that waits for a standby which is gone proves nothing, though it answers [postgres]', {
  skip,
}, async () => {
  const server = await postgresServer();
  // One connection, which has seen the setting when it shows it; another looks on.
  const pool = new pg.Pool({ connectionString: server.url, max: 1 });
  const onlooker = new pg.Client({ connectionString: server.url });
  const writer = new pg.Client({ connectionString: server.url });
  pool.on('error', () => {});
  for (const client of [onlooker, writer]) {
    client.on('error', () => {});
    await client.connect();
  }
  const standbys = async (names: string): Promise<void> => {
    await onlooker.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await onlooker.query('SELECT pg_reload_conf()');
  };
  const store = await postgres(pool);
  try {
    const { id } = await created(store, 'u1');
    // A read may tidy up a page and write that to the log: none is left to tidy.
    for (let i = 0; i < 5; i++) await store.beat(null);
    await standbys('nobody');
    while ((await pool.query('SHOW synchronous_standby_names')).rows[0]?.synchronous_standby_names !== 'nobody');
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    const waiting = async (): Promise<number> => (await onlooker.query(waits)).rows.length;
    // That commits wait is told to all by the checkpointer, sooner or later.
    let told = false;
    const writing = (async () => {
      while (!told) await writer.query(`SELECT pg_logical_emit_message(true, 'probe', '')`);
    })();
    while ((await waiting()) === 0);
    told = true;
    let proved = false;
    const beat = Promise.resolve(store.beat(null)).then(() => {
      proved = true;
    });
    while (!proved && (await waiting()) < 2);
    assert.equal(proved, false);
    await standbys('');
    await Promise.all([beat, writing]);
    assert.equal((await found(store, id)).subject, 'u1');
  } finally {
    await store.close();
    await Promise.all([pool.end(), onlooker.end(), writer.end()]);
    await server.stop();
  }
});

test('G17: a session that a transaction has asserted cannot end before it does [postgres]', { skip }, async () => {
  const server = await postgresServer();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on('error', () => {});
  const store = await postgres(pool);
  const lab = new Lab({ engine: () => store, clock: new TestClock(Date.now()), storeDeadline: '1h' });
  const tx = await pool.connect();
  try {
    const browser = await lab.signedIn();
    const session = await browser.signedIn();
    await tx.query('BEGIN');
    await session.assertLive({ tx });
    let ended = false;
    const ending = lab.sessions.terminate(session.id).then(() => {
      ended = true;
    });
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    while ((await tx.query(waits)).rows.length === 0) assert.equal(ended, false);
    assert.equal(ended, false);
    await tx.query('COMMIT');
    await ending;
    await tx.query('BEGIN');
    await assert.rejects(session.assertLive({ tx }), code('session_terminated'));
    await tx.query('ROLLBACK');
    await assert.rejects(
      (await lab.signedIn('u2').then((other) => other.signedIn())).assertLive({ tx: {} }),
      code('option_invalid'),
    );
  } finally {
    tx.release();
    await lab.sessions.close();
    await pool.end();
    await server.stop();
  }
});

test('G16: a schema of a newer release is refused [postgres]', { skip }, async () => {
  const schema = freshSchema();
  await postgres(pool, { schema });
  await pool.query(`UPDATE ${schema}.engine SET version = 99`);
  await assert.rejects(postgres(pool, { schema }), code('store_unusable'));
});

test('G16: a server that is too old is refused before anything is made on it [postgres]', async () => {
  const asked: string[] = [];
  const old: PostgresClient = {
    async query({ text }) {
      asked.push(text);
      return { rows: [{ engine: null, server: '140012' }] };
    },
  };
  await assert.rejects(postgres(old), code('store_unusable'));
  await assert.rejects(postgres(old), /This is PostgreSQL 14; use 15 or newer/);
  assert.equal(asked.length, 2);
});

test('who cannot bring the schema up to date while it is dumped is told to start again [postgres]', {
  skip,
}, async () => {
  const schema = freshSchema();
  await postgres(pool, { schema });
  await pool.query(`UPDATE ${schema}.engine SET version = 3`);
  const dump = await pool.connect();
  await dump.query(`BEGIN; LOCK TABLE ${schema}.engine IN ACCESS SHARE MODE`);
  try {
    await assert.rejects(postgres(pool, { schema }), code('store_unavailable'));
    await assert.rejects(postgres(pool, { schema }), /as a dump does: start again/);
  } finally {
    await dump.query('ROLLBACK');
    dump.release();
  }
});

test('G16: a schema may have the name of a word of SQL [postgres]', { skip }, async () => {
  for (const schema of ['user', 'order']) {
    const clock = { now: Date.now() };
    const store = await postgres(pool, { schema, now: () => clock.now });
    const { id } = await created(store, 'u1');
    await store.touch([{ id, seenAt: clock.now + 1 }]);
    clock.now += 5 * 7 * 86_400_000;
    assert.equal((await store.sweep(10)).expired[0]?.id, id);
    await store.sweep(10);
    assert.equal((await allEvents(await postgres(pool, { schema }))).length, 1);
  }
});

test('G8: what fails while it is opened is told in our words [postgres]', { skip }, async () => {
  const schema = freshSchema();
  for (const name of ['weeks', 'beat']) {
    const failing: PostgresClient = {
      query: (statement) => {
        if (statement.name === `${schema}.${name}`) return Promise.reject(new Error('connection reset'));
        return pool.query(statement);
      },
    };
    await assert.rejects(postgres(failing, { schema }), code('store_unavailable'));
  }
});

test('one record that cannot be read does not keep the rest from being ended (G6, G10, G11) [postgres]', {
  skip,
}, async () => {
  const schema = freshSchema();
  const clock = { now: Date.now() };
  const store = await postgres(pool, { schema, now: () => clock.now });
  const [broken, whole, lost, bobs] = [
    await created(store, 'u1'),
    await created(store, 'u1'),
    await created(store, 'u2'),
    await created(store, 'bob'),
  ];
  await pool.query(`UPDATE ${schema}.sessions SET format = 2 WHERE id = ANY($1)`, [[broken.id, lost.id]]);
  const named = { code: 'store_unavailable', sessionId: broken.id };
  await assert.rejects(async () => store.find(broken.id), named);
  await assert.rejects(async () => store.list('u1'), named);
  await assert.rejects(async () => store.page(null, 10), code('store_unavailable'));
  await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  assert.equal((await found(store, whole.id)).ending?.reason, 'account_disabled');
  await pool.query(`UPDATE ${schema}.sessions SET format = 1 WHERE id = $1`, [broken.id]);
  assert.ok((await found(store, broken.id)).ending);
  clock.now += 3_600_000;
  const swept = await store.sweep(10);
  assert.deepEqual([swept.expired.map(({ id }) => id), swept.unreadable], [[bobs.id], [lost.id]]);
  assert.deepEqual((await store.sweep(10)).unreadable, []);
});

test('what is kept for a subject and cannot be read is lost, and nothing with it [postgres]', { skip }, async () => {
  const schema = freshSchema();
  const store = await postgres(pool, { schema });
  await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  for (const kept of unreadableKept) {
    await pool.query(`UPDATE ${schema}.subjects SET kept = $1`, [kept]);
    assert.deepEqual([(await store.subject('u1')).disabled, (await store.subject('u1')).kept], [true, undefined]);
  }
  await store.enable('u1', { operation: operation() });
  assert.equal((await created(store, 'u1')).subject, 'u1');
  await store.close();
});

test('G10: an event that cannot be read is told in its place [postgres]', { skip }, async () => {
  const schema = freshSchema();
  const store = await postgres(pool, { schema });
  await assertToldInPlace(store, async (_id, body) => {
    await pool.query(`UPDATE ${schema}.events SET body = $1 WHERE number = 2`, [body]);
  });
  await store.close();
});

test('an event that cannot be read does not keep a purge from the rest, and goes whole [postgres]', {
  skip,
}, async () => {
  for (const body of ['', 'not json', 'null', '"of u1!"', '["of u1!"]']) {
    const schema = freshSchema();
    const store = await postgres(pool, { schema });
    const [first, second] = [await created(store, 'u1'), await created(store, 'u1')];
    const bobs = await created(store, 'bob');
    await pool.query(`UPDATE ${schema}.events SET body = $1 WHERE subject = 'u1' AND number = 1`, [body]);
    const ended = await store.purge('u1', { operation: operation() });
    assert.deepEqual(ended.map(({ id }) => id).sort(), [first.id, second.id].sort());
    const told = (await allEvents(store)).filter(({ event }) => event.sessionId !== bobs.id);
    assert.deepEqual(
      told.map(({ event }) => [event.type, event.subject]),
      [
        ['signed_in', null],
        ['terminated', null],
        ['terminated', null],
      ],
      body,
    );
    assert.equal((await allEvents(store)).length, 4);
    const { rows } = await pool.query(`SELECT * FROM ${schema}.events`);
    assert.doesNotMatch(JSON.stringify(rows), /u1!/);
  }
});

test('thousands of touches are written a few hundred at a time, so that others come between [postgres]', {
  skip,
}, async () => {
  const schema = freshSchema();
  const sizes: number[] = [];
  const counting: PostgresClient = {
    query: (statement) => {
      const [ids] = statement.values;
      if (statement.name === `${schema}.touch` && Array.isArray(ids)) sizes.push(ids.length);
      return pool.query(statement);
    },
  };
  const store = await postgres(counting, { schema });
  const one = await created(store, 'u1');
  await pool.query(`INSERT INTO ${schema}.sessions (SELECT 'A' || lpad(number::text, 22, '0'), record, format, data,
    version, last_seen_at, idle_timeout, expires_at, subject, state, kind, due_at
    FROM ${schema}.sessions, generate_series(1, 2000) number)`);
  const seenAt = one.lastSeenAt + 1000;
  const ids = Array.from({ length: 2000 }, (_, i) => `A${String(i + 1).padStart(22, '0')}`);
  await store.touch([...ids, ...ids].map((id, i) => ({ id, seenAt: seenAt - (i < 2000 ? 1 : 0) })));
  assert.ok(sizes.every((size) => size <= 500) && sizes.reduce((sum, size) => sum + size) === 2000);
  const { rows } = await pool.query(`SELECT count(*) FROM ${schema}.sessions WHERE last_seen_at = $1`, [seenAt]);
  assert.equal(Number(rows[0].count), 2000);
  await store.touch([]);
});

test('G7 G9: behind a pooler that shares connections between transactions [postgres]', {
  skip: skip || skipWithout('pgbouncer'),
}, async () => {
  const pooler = await pgbouncer(server.port);
  const pools = [poolOf(pooler.url), poolOf(pooler.url)];
  try {
    const schema = freshSchema();
    const [one, other] = await Promise.all(pools.map((client) => postgres(client, { schema, prepare: false })));
    assert.ok(one && other);
    const limit = { most: 5, over: 'end-oldest' } as const;
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (i % 2 ? one : other).create(newSession('u1'), creating({ limit, checkedAt: Date.now() + 60_000 })),
      ),
    );
    const { live } = await other.list('u1');
    assert.equal(live.length, 5);
    const id = live[0]?.id ?? '';
    await one.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    assert.equal((await found(other, id)).ending?.reason, 'signed_out');
  } finally {
    for (const client of pools) await client.end();
    await pooler.stop();
  }
});

test('G5: what was acknowledged is there after the server was killed and restarted [postgres]', { skip }, async () => {
  const own = await postgresServer();
  const clients = poolOf(own.url);
  const store = await postgres(clients);
  const acknowledged: string[] = [];
  const writing = Array.from({ length: 8 }, async () => {
    for (;;) {
      const made = await store.create(newSession('u1'), creating({ checkedAt: store.now() + 1 })).catch(() => null);
      if (made?.outcome !== 'created') return;
      acknowledged.push(made.record.id);
    }
  });
  while (acknowledged.length < 200) await new Promise((resolve) => setImmediate(resolve));
  // SIGQUIT is PostgreSQL's own word for dying at once: what is on disk is all there is.
  await own.restart('SIGQUIT');
  await Promise.all(writing);
  try {
    for (const id of acknowledged) assert.equal((await found(store, id)).ending, undefined);
  } finally {
    await clients.end();
    await own.stop();
  }
});
