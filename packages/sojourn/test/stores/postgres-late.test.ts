import assert from 'node:assert/strict';
import { test } from 'node:test';
import type pg from 'pg';
import type { Store } from '../../src/lifecycle/ports.ts';
import { type SessionRecord, stamped } from '../../src/lifecycle/session.ts';
import { partitionOf } from '../../src/lifecycle/token.ts';
import { created, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { code } from '../lab.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* However many locks a write waits for, one after another, it is late when its time is over and nothing of it happens. */

const skip = skipWithout('initdb', 'postgres');
const revoking = { reason: 'revoked', by: 'x' } as const;
/** How long a write is worth waiting for. */
const worth = 1500;
/** So long before it is over, the first of its locks is free. */
const justBefore = 300;
/** So long after it is over, a lock that was begun to be waited for just before would still be waited for. */
const after = 500;
let pool: pg.Pool;
let schemas = 0;

onOwnServer(skip, 12, (made) => {
  pool = made;
});

interface Given {
  readonly store: Store;
  readonly schema: string;
  /** Another connection of the application's that takes something and keeps it; answers what lets it go. */
  take(statement: string): Promise<() => Promise<void>>;
  /** Until so many wait for a lock, or have been answered; answers their processes. */
  waiting(many: number): Promise<number[]>;
  /** Until the server's clock says so. */
  reach(time: number): Promise<void>;
}

function onLate(
  title: string,
  run: (given: Given) => Promise<void>,
  through: (pool: pg.Pool) => PostgresClient = (client) => client,
): void {
  test(`${title} [postgres]`, { skip, timeout: 20_000 }, async () => {
    schemas += 1;
    const schema = `late_${schemas}`;
    const taken: pg.PoolClient[] = [];
    const store = await postgres(through(pool), { schema });
    try {
      await run({
        store,
        schema,
        async take(statement) {
          const tx = await pool.connect();
          taken.push(tx);
          await tx.query(`BEGIN; ${statement}`);
          return async () => void (await tx.query('ROLLBACK'));
        },
        async waiting(many) {
          const asked = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${schema}".%'
            ORDER BY query_start`;
          let rows: { pid: number }[] = [];
          while (rows.length < many) ({ rows } = await pool.query(asked));
          return rows.map(({ pid }) => pid);
        },
        async reach(time) {
          const asked = `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 >= $1 AS reached`;
          while ((await pool.query(asked, [time])).rows[0]?.reached !== true);
        },
      });
    } finally {
      for (const tx of taken) {
        await tx.query('ROLLBACK');
        tx.release();
      }
      await store.close();
    }
  });
}

/** One that is refused for being late; `answered`: it has been by now. */
function late(write: unknown): { readonly refused: Promise<void>; answered(): boolean } {
  let answered = false;
  const refused = assert
    .rejects(async () => write, code('store_unavailable'))
    .finally(() => {
      answered = true;
    });
  return { refused, answered: () => answered };
}

onLate('G8: a write that has come to its partition just in time is late for what it waits for then', async (given) => {
  const { store, schema, take, waiting, reach } = given;
  const [one, other] = [await created(store, 'u1'), await created(store, 'u1')];
  const another = await postgres(pool, { schema });
  const done = await take(`LOCK TABLE ${schema}.events IN SHARE MODE`);
  // It has the partition, and waits for the table.
  const first = assert.rejects(async () => store.end(one.id, { ...revoking, operation: operation() }));
  const [pid] = await waiting(1);
  const until = store.now() + worth;
  const second = late(another.end(other.id, { ...revoking, operation: operation(), until }));
  await waiting(2);
  await reach(until - justBefore);
  await pool.query('SELECT pg_cancel_backend($1)', [pid]);
  await first;
  await reach(until + after);
  assert.ok(second.answered(), 'it still waits');
  await done();
  await second.refused;
  assert.deepEqual(await found(store, other.id), other);
});

onLate('G8: a write that waits for one thing after another as it writes is taken back', async (given) => {
  const { store, schema, take, waiting, reach } = given;
  const held = await created(store, 'u1');
  const subjects = await take(`LOCK TABLE ${schema}.subjects IN SHARE MODE`);
  const events = await take(`LOCK TABLE ${schema}.events IN SHARE MODE`);
  const until = store.now() + worth;
  const ending = late(store.endAll('u1', { ...revoking, operation: operation(), until }));
  await waiting(1);
  await reach(until - justBefore);
  await subjects();
  await reach(until + 50);
  await events();
  await ending.refused;
  assert.deepEqual(await found(store, held.id), held);
  assert.equal((await store.subject('u1')).changedAt, 0);
});

onLate('G8: a write that waits for one session after another waits no longer in all', async (given) => {
  const { store, schema, take, waiting, reach } = given;
  const sessions = await Promise.all([0, 1, 2].map(() => created(store, 'u1')));
  sessions.sort((a, b) => (a.id < b.id ? -1 : 1));
  const taken: (() => Promise<void>)[] = [];
  for (const { id } of sessions) taken.push(await take(`SELECT FROM ${schema}.sessions WHERE id = '${id}' FOR SHARE`));
  const until = store.now() + worth;
  const ending = late(store.endAll('u1', { ...revoking, operation: operation(), until }));
  await waiting(1);
  await reach(until - justBefore);
  await taken[0]?.();
  await reach(until + after);
  assert.ok(ending.answered(), 'it still waits');
  await ending.refused;
  for (const session of sessions) assert.deepEqual(await found(store, session.id), session);
});

onLate('G8: a write that waits for one partition after another waits no longer in all', async (given) => {
  const { store, schema, take, waiting, reach } = given;
  const user = Array.from({ length: 99 }, (_, i) => `u${i}`).find((one) => partitionOf(newSession(one).id) > 0) ?? '';
  const visitor = await created(store, null);
  const signedIn = newSession(user);
  assert.ok(partitionOf(visitor.id) < partitionOf(signedIn.id));
  const partition = (id: string): string =>
    `SELECT FROM ${schema}.partitions WHERE partition = ${partitionOf(id)} FOR UPDATE`;
  const [first] = [await take(partition(visitor.id)), await take(partition(signedIn.id))];
  const until = store.now() + worth;
  const replaces = { id: visitor.id, version: 1 };
  const signIn = late(created(store, user, {}, { replaces, until }));
  await waiting(1);
  await reach(until - justBefore);
  await first();
  await reach(until + after);
  assert.ok(signIn.answered(), 'it still waits');
  await signIn.refused;
  assert.deepEqual(await found(store, visitor.id), visitor);
});

/** Of decisions that are written together, the first is late when it first arrives. */
function lateFirst(client: pg.Pool): PostgresClient {
  let arrived = false;
  return {
    query(statement) {
      if (arrived || statement.name?.endsWith('.commitEach') !== true) return client.query(statement);
      arrived = true;
      const [now, text] = statement.values;
      const [first, ...others]: object[] = JSON.parse(String(text));
      return client.query({ ...statement, values: [now, JSON.stringify([{ ...first, before: 0 }, ...others])] });
    },
  };
}

onLate(
  'where the first of those that are written together is late, none holds a partition while it waits for a session',
  async ({ store, schema, take, waiting }) => {
    const plain = await postgres(pool, { schema });
    const families = Array.from({ length: 400 }, (_, i) => stamped(newSession(`n${i}`), store.now()));
    const together: readonly SessionRecord[] = families.filter(({ id }) => partitionOf(id) === 0).slice(0, 3);
    assert.equal(together.length, 3);
    await plain.adopt(together, [], { operation: operation() });
    const last = together.at(-1);
    const done = await take(`SELECT FROM ${schema}.sessions WHERE id = '${last?.id}' FOR SHARE`);
    const newer = together.map((record) => ({ ...record, version: 2, data: '{"n":2}' }));
    const adopting = store.adopt(newer, [], { operation: operation() });
    await waiting(1);
    const free = `SELECT FROM ${schema}.partitions WHERE partition = 0 FOR UPDATE SKIP LOCKED`;
    assert.equal((await pool.query(free)).rows.length, 1);
    await done();
    await adopting;
    for (const { id } of together) assert.equal((await found(store, id)).data, '{"n":2}');
  },
  lateFirst,
);
