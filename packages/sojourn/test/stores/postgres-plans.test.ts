import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, creating, hour, newSession, operation, writing } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* A plan that was made while the tables were empty is kept as they grow: it must not read them whole. */

const many = 5000;
const schema = `plans_${process.pid}`;
const skip = skipWithout('initdb', 'postgres');

interface Opened {
  readonly store: Store;
  readonly pool: pg.Pool;
  readonly url: string;
  readonly clock: { now: number };
  /** Rows of these tables that were read so far, and entries of their indexes: an index can be read whole, too. */
  read(...tables: readonly string[]): Promise<number>;
}

/** What PostgreSQL says of each statement on the one connection that there is, of those within functions too. */
async function explained(pool: pg.Pool): Promise<readonly string[]> {
  const plans: string[] = [];
  const connection = await pool.connect();
  connection.on('notice', ({ message = '' }) => plans.push(message));
  connection.release();
  await pool.query("LOAD 'auto_explain'");
  for (const setting of ['log_min_duration = 0', 'log_analyze = on', 'log_nested_statements = on']) {
    await pool.query(`SET auto_explain.${setting}`);
  }
  await pool.query('SET client_min_messages = log');
  return plans;
}

const compiled = (plan: string): boolean => plan.includes('JIT:');

async function withStore(use: (opened: Opened) => Promise<void>): Promise<void> {
  const server = await postgresServer('autovacuum=off');
  // One connection: what is planned is kept in it, and it tells what it has read.
  const pool = new pg.Pool({ connectionString: server.url, max: 1, idleTimeoutMillis: 0 });
  // Its end does not wait for the connection's, which may go with the server.
  pool.on('error', () => {});
  const clock = { now: Date.now() };
  const store = await postgres(pool, { schema, now: () => clock.now });
  const read = async (...tables: readonly string[]): Promise<number> => {
    await pool.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await pool.query(
      `SELECT sum(seq_tup_read + (
          SELECT sum(idx_tup_read) FROM pg_stat_user_indexes indexes WHERE indexes.relid = tables.relid
        ))::float8 AS read FROM pg_stat_user_tables tables WHERE schemaname = $1 AND relname = ANY ($2)`,
      [schema, tables],
    );
    return Number(rows[0].read);
  };
  try {
    await use({ store, pool, url: server.url, clock, read });
  } finally {
    await store.close();
    await pool.end();
    await server.stop();
  }
}

for (const statistics of ['none', 'of two rows']) {
  test(
    `what a write reads does not grow with the number of sessions, statistics ${statistics} [postgres]`,
    { skip },
    () =>
      withStore(async ({ store, pool, clock, read }) => {
        const write = async (): Promise<void> => {
          for (let i = 0; i < 10; i++) {
            const { id } = await created(store, `u${i}`);
            await store.update(id, 1, { data: '{"n":1}' }, writing());
            await store.setPermissions(`u${i}`, ['a'], { operation: operation() });
            await store.touch([{ id, seenAt: clock.now + 1 }]);
            await store.end(id, { reason: 'signed_out', by: 'u', keepData: true, operation: operation() });
            const visitor = await created(store, null);
            const replaces = { id: visitor.id, version: 1 };
            await store.create(newSession(`v${i}`), creating({ checkedAt: store.now() + 1, replaces }));
            await store.endAll(`v${i}`, { reason: 'revoked', by: 'x', operation: operation() });
            // The sweep puts off one that cannot be read, ends it with all of its user's, and purges it.
            const unreadable = await created(store, `w${i}`);
            await pool.query(`UPDATE ${schema}.sessions SET format = 2 WHERE id = $1`, [unreadable.id]);
            clock.now += hour;
            assert.deepEqual((await store.sweep(100)).unreadable, [unreadable.id]);
            await store.endAll(`w${i}`, { reason: 'revoked', by: 'x', operation: operation() });
            await store.purge(`w${i}`, { operation: operation() });
          }
        };
        const { id } = await created(store, 'a');
        await created(store, 'b');
        if (statistics !== 'none') await pool.query(`ANALYZE ${schema}.sessions, ${schema}.subjects`);
        await write();
        await pool.query(
          `INSERT INTO ${schema}.sessions
          SELECT 'other' || n, record, format, data, version, last_seen_at, idle_timeout, expires_at, 'x' || n, state, kind, due_at + 9e12
          FROM ${schema}.sessions, generate_series(1, ${many}) n WHERE id = $1`,
          [id],
        );
        await pool.query(`INSERT INTO ${schema}.subjects SELECT 'x' || n, 1 FROM generate_series(1, ${many}) n`);
        const before = await read('sessions', 'subjects');
        await write();
        const grown = (await read('sessions', 'subjects')) - before;
        assert.ok(grown < many, `${grown} rows for 120 writes`);
      }),
  );
}

test('what a sign-in reads does not grow with the sessions of the same user that have ended [postgres]', { skip }, () =>
  withStore(async ({ store, pool }) => {
    const fetched = async (): Promise<number> => {
      await pool.query('SELECT pg_stat_force_next_flush()');
      const { rows } = await pool.query(
        `SELECT (seq_tup_read + idx_tup_fetch)::float8 AS fetched FROM pg_stat_user_tables
          WHERE schemaname = $1 AND relname = 'sessions'`,
        [schema],
      );
      return Number(rows[0].fetched);
    };
    const { id } = await created(store, 'u1');
    await pool.query(
      `INSERT INTO ${schema}.sessions
        SELECT 'past' || n, record, format, data, version, last_seen_at, idle_timeout, expires_at, subject, 'ended', kind, due_at
        FROM ${schema}.sessions, generate_series(1, ${many}) n WHERE id = $1`,
      [id],
    );
    const before = await fetched();
    for (let i = 0; i < 10; i++) await created(store, 'u1');
    const grown = (await fetched()) - before;
    assert.ok(grown < many, `${grown} rows for 10 sign-ins`);
    assert.equal((await store.list('u1')).live.length, 11);
  }),
);

test('what a beat reads does not grow with the number of changes that are kept [postgres]', { skip }, () =>
  withStore(async ({ store, pool, read }) => {
    for (let i = 0; i < 10; i++) await created(store, `u${i}`);
    const beats = async (): Promise<void> => {
      let { mark } = await store.beat(null);
      for (let i = 0; i < 10; i++) {
        const { id } = await created(store, `v${i}`);
        const beat = await store.beat(mark);
        assert.deepEqual(
          beat.changed.map((one) => one.id),
          [id],
        );
        mark = beat.mark;
      }
    };
    await beats();
    // A full ring of every partition, of changes long past, but where there are later ones.
    await pool.query(
      `INSERT INTO ${schema}.changes SELECT partition, slot, slot - 1024, 'past', 1, 'past'
      FROM generate_series(0, 63) partition, generate_series(0, 1023) slot ON CONFLICT DO NOTHING`,
    );
    const plans = await explained(pool);
    for (const statistics of ['as they were', 'of now']) {
      if (statistics === 'of now') await pool.query('ANALYZE');
      const before = await read('changes');
      await beats();
      const grown = (await read('changes')) - before;
      assert.ok(grown < many, `${grown} rows for 11 beats, statistics ${statistics}`);
      await store.events(null, 10);
      assert.ok(plans.some((plan) => plan.includes(`"${schema}".changes`)));
      assert.deepEqual(plans.filter(compiled), [], `statistics ${statistics}`);
    }
  }),
);

test(
  'no beat and no events are compiled first, however many versions a long transaction keeps [postgres]',
  {
    skip,
  },
  () =>
    withStore(async ({ store, pool, url }) => {
      const plans = await explained(pool);
      const read = async (state: string): Promise<void> => {
        const from = plans.length;
        // The first few are planned for their values, those after them for any.
        for (let i = 0; i < 7; i++) {
          const { mark } = await store.beat(null);
          await store.beat(mark);
          await store.events(null, 10);
          await store.events(await store.cursor(), 10);
        }
        assert.ok(plans.length >= from + 28, `${plans.length - from} plans`);
        assert.deepEqual(plans.slice(from).filter(compiled), [], state);
        // Plans are made anew.
        await pool.query('DISCARD PLANS');
      };
      await read('as made');
      const tables = ['partitions', 'changes', 'engine', 'events'].map((table) => `'${schema}.${table}'::regclass`);
      await pool.query(`DELETE FROM pg_statistic WHERE starelid IN (${tables})`);
      await pool.query(`UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid IN (${tables})`);
      await read('restored');
      const dump = new pg.Client({ connectionString: url });
      await dump.connect();
      // Where a look before its end fails, it goes with its server.
      dump.on('error', () => {});
      await dump.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM ${schema}.engine`);
      await pool.query(`SET auto_explain.log_min_duration = -1`);
      await pool.query(
        `DO $$ BEGIN FOR i IN 1..400 LOOP UPDATE ${schema}.partitions SET counter = counter; COMMIT; END LOOP; END $$`,
      );
      await pool.query(`SET auto_explain.log_min_duration = 0`);
      await read('behind a dump');
      await pool.query('ANALYZE');
      await read('behind a dump, with statistics');
      await dump.end();
    }),
);

test(
  'nothing within a write is compiled first, which takes longer than the write [postgres]',
  { skip },
  (t: TestContext) =>
    withStore(async ({ store, pool }) => {
      const plans = await explained(pool);
      // Whatever may be compiled is.
      await pool.query('SET jit_above_cost = 0');
      const visitor = await created(store, null);
      const signedIn = await created(store, 'u1');
      await store.update(signedIn.id, 1, { data: '{"n":1}' }, writing());
      await store.end(visitor.id, { reason: 'signed_out', by: 'system', operation: operation() });
      const ours = Map.groupBy(
        plans.filter((plan) => plan.includes(`"${schema}".`)),
        (plan) => (/Query Text: SELECT (\* FROM )?"\w+"\.\w+\(/.test(plan) ? 'calls' : 'within'),
      );
      if (!ours.get('calls')?.some(compiled)) return t.skip('this PostgreSQL compiles nothing');
      const within = ours.get('within') ?? [];
      assert.ok(within.length > 20);
      assert.deepEqual(within.filter(compiled), []);
    }),
);
