import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import type { Store } from '../../src/lifecycle/ports.ts';
import { allEvents, created, creating, hour, newSession } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { code } from '../lab.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* Tables of events come ahead of their week and go after the retention, and no write waits for either. */

const skip = skipWithout('initdb', 'postgres');
const day = 24 * hour;
const week = 7 * day;
/** Of sessions that outlive the retention, so that their endings add no events. */
const long = { idleTimeout: 60 * day, lifetime: 60 * day };
let pool: pg.Pool;
let schemas = 0;

onOwnServer(skip, 12, (made) => {
  pool = made;
});

interface Given {
  readonly store: Store;
  readonly schema: string;
  /** At the beginning of a week. */
  readonly clock: { now: number };
  /** The tables there are, from the oldest: the weeks since the beginning. */
  tables(): Promise<string[]>;
  count(table: string): Promise<number>;
}

function onWeeks(title: string, run: (given: Given) => Promise<void>): void {
  test(`${title} [postgres]`, { skip }, async () => {
    schemas += 1;
    const schema = `weeks_${schemas}`;
    const first = Math.floor(Date.now() / week);
    const clock = { now: first * week };
    const store = await postgres(pool, { schema, now: () => clock.now });
    const tables = async (): Promise<string[]> => {
      const { rows } = await pool.query(
        `SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = '${schema}.events'::regclass`,
      );
      const names = rows.map(({ relname }) => String(relname).replace('events_', ''));
      return names.map((name) => (name === 'default' ? name : String(Number(name) - first))).sort();
    };
    const count = async (table: string): Promise<number> => {
      const name = table === 'default' ? table : String(Number(table) + first);
      const { rows } = await pool.query(`SELECT count(*) FROM ${schema}.events_${name}`);
      return Number(rows[0].count);
    };
    await run({ store, schema, clock, tables, count });
  });
}

/** A dump as pg_dump makes it, until it is let go. */
async function dump(schema: string): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE ${schema}.events IN ACCESS SHARE MODE`);
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

onWeeks(
  'tables of events are made two weeks ahead, and to forget is to drop',
  async ({ store, clock, tables, count }) => {
    assert.deepEqual(await tables(), ['0', '1', '2', 'default']);
    for (let i = 0; i < 3; i++) {
      await created(store, `u${i}`);
      clock.now += week;
      await store.sweep(100);
    }
    assert.deepEqual(await tables(), ['0', '1', '2', '3', '4', '5', 'default']);
    assert.equal(await count('default'), 0);
    clock.now = clock.now + 2 * week - 1;
    // The first lap says what is forgotten, the next one drops it: nobody reads there any more.
    for (let lap = 0; lap < 2; lap++) await store.sweep(100);
    assert.equal((await tables())[0], '0');
    clock.now += 1;
    for (let lap = 0; lap < 2; lap++) await store.sweep(100);
    assert.equal((await tables())[0], '1');
  },
);

onWeeks('a dump stops no write, whatever week begins or has passed', async ({ store, schema, clock, tables }) => {
  const done = await dump(schema);
  for (let i = 0; i < 8; i++) {
    await created(store, `u${i}`);
    await store.sweep(100);
    clock.now += week;
  }
  assert.equal((await allEvents(store)).at(-1)?.event.subject, 'u7');
  assert.deepEqual(await tables(), ['0', '1', '2', 'default']);
  await done();
  for (let lap = 0; lap < 2; lap++) await store.sweep(100);
  // The week of which the default table has events has no other.
  assert.deepEqual(await tables(), ['10', '9', 'default']);
});

onWeeks('G11: what finds no table of its week is read and forgotten all the same', async ({ store, clock, count }) => {
  const begin = await store.cursor();
  clock.now += 20 * week;
  const { id } = await created(store, 'u1', long);
  const cursor = await store.cursor();
  assert.equal(await count('default'), 1);
  const { events } = await store.events(begin, 10);
  assert.deepEqual(
    events.map(({ event }) => event.sessionId),
    [id],
  );
  await store.sweep(100);
  clock.now += 28 * day + 1;
  while ((await store.sweep(100)).more);
  assert.equal(await count('default'), 0);
  await assert.rejects(async () => store.events(begin, 10), code('cursor_lost'));
  assert.deepEqual((await store.events(cursor, 10)).events, []);
});

onWeeks('G11: nothing past the retention is read while its week is still there', async ({ store, clock, count }) => {
  const cursors: string[] = [];
  for (let i = 0; i < 7; i++) {
    cursors.push(await store.cursor());
    await created(store, `u${i}`, long);
    clock.now += day;
  }
  clock.now += 24 * day + 1;
  await store.sweep(100);
  assert.equal(await count('0'), 7);
  const subjects = async (after: string | null): Promise<(string | null)[]> =>
    (await allEvents(store, after)).map(({ event }) => event.subject).sort();
  assert.deepEqual(await subjects(null), ['u4', 'u5', 'u6']);
  for (const [i, cursor] of cursors.entries()) {
    if (i < 4) await assert.rejects(async () => store.events(cursor, 10), code('cursor_lost'));
    else assert.deepEqual(await subjects(cursor), ['u4', 'u5', 'u6'].slice(i - 4));
  }
  // From the beginning in small pages: no place of theirs is lost to whom has just begun.
  const read: (string | null)[] = [];
  let after: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<Store['events']>> = await store.events(after, 1);
    if (page.events.length === 0) break;
    read.push(...page.events.map(({ event }) => event.subject));
    after = page.cursor;
  }
  assert.deepEqual(read.sort(), ['u4', 'u5', 'u6']);
});

onWeeks('sign-ins go on while old weeks are dropped', async ({ store, clock, tables }) => {
  for (let i = 0; i < 64; i++) await created(store, `old${i}`);
  clock.now += week;
  for (let i = 0; i < 64; i++) await created(store, `older${i}`);
  clock.now += 5 * week;
  const signIns = Array.from({ length: 100 }, (_, i) =>
    store.create(newSession(`u${i}`), creating({ checkedAt: clock.now + 1 })),
  );
  const sweeps = [0, 1, 2].map(() => store.sweep(1000));
  assert.ok((await Promise.all(signIns)).every(({ outcome }) => outcome === 'created'));
  await Promise.all(sweeps);
  await store.sweep(1000);
  assert.deepEqual(await tables(), ['2', '7', '8', 'default']);
});

onWeeks('the retention is told by the server’s clock where no other is given', async ({ store, schema, clock }) => {
  const real = Date.now();
  clock.now = real - 28 * day - hour;
  await created(store, 'before', long);
  clock.now = real - 28 * day + hour;
  await created(store, 'within', long);
  const plain = await postgres(pool, { schema });
  await plain.sweep(100);
  assert.deepEqual(
    (await allEvents(plain)).map(({ event }) => event.subject),
    ['within'],
  );
});

onWeeks('a sweep answers what it has ended, whatever holds up the forgetting', async ({ store, schema, clock }) => {
  const partition = await pool.connect();
  // An account may have a patience of its own.
  const hasty = new pg.Pool({ ...pool.options, options: '-c lock_timeout=10ms' });
  hasty.on('error', () => {});
  const past = async (): Promise<number> =>
    (await pool.query(`SELECT FROM ${schema}.events WHERE subject = 'past'`)).rows.length;
  try {
    clock.now += 20 * week;
    await created(store, 'past', long);
    clock.now += 28 * day + 1;
    await created(store, 'now', long);
    await partition.query(`BEGIN; SELECT FROM ${schema}.partitions WHERE counter = 0 FOR UPDATE`);
    for (const client of [hasty, pool]) {
      const sweeping = await postgres(client, { schema, now: () => clock.now });
      const { id } = await created(store, 'now');
      clock.now += hour;
      assert.deepEqual(
        (await sweeping.sweep(100)).expired.map((session) => session.id),
        [id],
      );
    }
    assert.equal(await past(), 1);
    await partition.query('ROLLBACK');
    await store.sweep(100);
    assert.equal(await past(), 0);
  } finally {
    await partition.query('ROLLBACK');
    partition.release();
    await hasty.end();
  }
});

onWeeks('a sweep answers what it has ended, also where writers come before the forgetting', async (given) => {
  const { store, schema, clock } = given;
  await created(store, 'past', long);
  clock.now += 40 * day;
  const { id } = await created(store, 'now');
  clock.now += hour;
  // As above read committed, where each write of the partition comes first.
  await pool.query(`
    CREATE FUNCTION ${schema}.overtaken() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE serialization_failure; END $$;
    CREATE TRIGGER overtaken BEFORE UPDATE OF forgotten ON ${schema}.partitions
      FOR EACH ROW EXECUTE FUNCTION ${schema}.overtaken()`);
  const { expired } = await store.sweep(100);
  assert.ok(expired.some((session) => session.id === id));
});
