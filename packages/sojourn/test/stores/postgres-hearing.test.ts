import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { stamped } from '../../src/lifecycle/session.ts';
import { created, found, newSession, operation, writing } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { settled } from '../between.ts';
import { endsByItself, hearingBehaviour, type Open, untilHeard } from './hearing.ts';
import { openings } from './openings.ts';
import { pgbouncer } from './pgbouncer.ts';
import { type PostgresServer, postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* Changes that processes notify each other of, after the commit. */

const skip = process.env['DATABASE_URL'] ? 'these tests stop their servers' : skipWithout('initdb', 'postgres');
let server: PostgresServer;
let watcher: pg.Pool;
let slow: { readonly url: string; readonly line: Server };

before(async () => {
  if (skip) return;
  server = await postgresServer();
  watcher = poolOf(server.url, 2);
  slow = await slowToHangUp(server.url);
});
after(async () => {
  await watcher?.end();
  slow?.line.close();
  await server?.stop();
});

/** In front of a server: an answer to a goodbye takes a while. */
async function slowToHangUp(url: string): Promise<typeof slow> {
  const line = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    far.pipe(near, { end: false });
    near.pipe(far);
    far.on('close', () => setTimeout(() => near.end(), 100));
  });
  line.listen(0, '127.0.0.1');
  await once(line, 'listening');
  const address = line.address();
  const there = new URL(url);
  if (typeof address === 'object' && address !== null) there.port = String(address.port);
  return { url: there.href, line };
}

function poolOf(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max });
  // Told by the calls that fail.
  pool.on('error', () => {});
  return pool;
}

const open: Open = async (watchEvery) => {
  const opened = await openings['postgres']?.([server.url], { space: 'hearing', watchEvery });
  assert.ok(opened);
  const { store, closeClient } = opened;
  return { store, close: () => store.close().then(closeClient) };
};

/** Connections that hear. */
const hearing = `SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %'`;

hearingBehaviour('postgres', skip, open, {
  async 'a connection that is killed is made again'() {
    const { rows } = await watcher.query(`SELECT pg_terminate_backend(pid) FROM (${hearing}) AS hearing`);
    assert.ok(rows.length > 0);
  },
  'a server that is killed and restarted is found again': () => server.restart('SIGQUIT'),
});
endsByItself('postgres', skip, () => ['postgres', server.url]);
endsByItself('postgres that is slow to hang up', skip, () => ['postgres', slow.url]);

test('a connection that hears is taken only while somebody listens, and not with notify: false [postgres]', {
  skip,
}, async () => {
  const pool = poolOf(server.url, 2);
  const schema = 'spared';
  const [heard, deaf] = [await postgres(pool, { schema }), await postgres(pool, { schema, notify: false })];
  const stopDeaf = deaf.listen(() => {});
  await created(deaf, 'u1');
  assert.equal((await watcher.query(hearing)).rows.length, 0);
  const stop = heard.listen(() => {});
  await untilHeard(heard, heard);
  assert.equal((await watcher.query(hearing)).rows.length, 1);
  stop();
  stopDeaf();
  while ((await watcher.query(hearing)).rows.length > 0);
  await pool.end();
});

test('a pool of one connection keeps it for its calls [postgres]', { skip }, async () => {
  const pool = poolOf(server.url, 1);
  const store = await postgres(pool, { schema: 'single' });
  const stop = store.listen(() => {});
  const { id } = await created(store, 'u1');
  assert.equal((await found(store, id)).id, id);
  stop();
  await pool.end();
});

test('many changes at once are told in as many notifications as they need [postgres]', { skip }, async () => {
  const [one, other] = [await open(600_000), await open(600_000)];
  await untilHeard(one.store, other.store);
  const many = Array.from({ length: 400 }, () => stamped(newSession('u2'), Date.now()));
  const ids = new Set(many.map(({ id }) => id));
  const stop = one.store.listen((changes) => {
    for (const { id } of changes) ids.delete(id);
  });
  await untilHeard(one.store, other.store);
  await other.store.adopt(many, [], { operation: operation() });
  while (ids.size > 0) await settled();
  stop();
  for (const { close } of [one, other]) await close();
});

test('G7: a pooler between transactions delivers nothing, and beats and looks still tell [postgres]', {
  skip: skip || skipWithout('pgbouncer'),
}, async () => {
  const pooler = await pgbouncer(server.port);
  const pools = [poolOf(pooler.url, 4), poolOf(pooler.url, 4)];
  const options = { schema: 'pooled', prepare: false, watchEvery: 20 };
  const [one, other] = await Promise.all(pools.map((pool) => postgres(pool, options)));
  assert.ok(one && other);
  let heard = 0;
  const stop = one.listen(() => {
    heard += 1;
  });
  try {
    const { id } = await created(other, 'u1');
    for (let version = 1; version <= 20; version++) {
      const { mark } = await one.beat(null);
      const woken = new Promise<void>((resolve) => {
        const stopWatching = one.watch(() => {
          stopWatching();
          resolve();
        });
      });
      await other.update(id, version, { data: '{}' }, writing());
      assert.deepEqual(
        (await one.beat(mark)).changed.map((change) => change.id),
        [id],
      );
      await woken;
    }
    assert.equal(heard, 0);
  } finally {
    stop();
    for (const pool of pools) await pool.end();
    await pooler.stop();
  }
});

const db = new PGlite();
const client: PostgresClient = {
  query: ({ text, values }) => db.query<Record<string, unknown>>(text, values),
  listen: (channel, heard) => db.listen(channel, heard),
};
const onPGlite: Open = async (watchEvery) => {
  const store = await postgres(client, { watchEvery });
  return { store, close: () => store.close() };
};

hearingBehaviour('pglite', false, onPGlite, {});

test('a client that throws at once where it should refuse fails no write, and is asked again [pglite]', async () => {
  let asked = 0;
  const throwing: PostgresClient = {
    query(statement) {
      if (!statement.name?.endsWith('.notify')) return client.query(statement);
      asked += 1;
      throw new Error('not connected');
    },
  };
  const store = await postgres(throwing, { schema: 'thrown' });
  for (const told of [1, 2]) {
    await created(store, 'u1');
    while (asked < told) await settled();
  }
  await store.close();
});
