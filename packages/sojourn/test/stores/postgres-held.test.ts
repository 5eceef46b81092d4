import assert from 'node:assert/strict';
import { test } from 'node:test';
import type pg from 'pg';
import type { Store } from '../../src/lifecycle/ports.ts';
import { type SessionRecord, stamped } from '../../src/lifecycle/session.ts';
import { partitionOf } from '../../src/lifecycle/token.ts';
import { created, found, hour, newSession, operation, writing } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { code } from '../lab.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* An application's transaction that has asserted a session delays what changes that session, and nobody else. */

const skip = skipWithout('initdb', 'postgres');
const revoking = { reason: 'revoked', by: 'x' } as const;
let pool: pg.Pool;
let schemas = 0;

onOwnServer(skip, 12, (made) => {
  pool = made;
});

interface Given {
  readonly store: Store;
  readonly schema: string;
  /** Begins a transaction that holds a session; answers what ends it. */
  hold(session: SessionRecord): Promise<() => Promise<void>>;
  /** The same where PostgreSQL has lost the lock of the session's row. */
  holdByIdAlone(session: SessionRecord): Promise<() => Promise<void>>;
  /** Until so many wait for a lock, or have been answered. */
  waiting(many: number, unless?: () => boolean): Promise<void>;
}

function onHeld(title: string, run: (given: Given) => Promise<void>, now?: () => number): void {
  test(`${title} [postgres]`, { skip, timeout: 20_000 }, async () => {
    schemas += 1;
    const schema = `held_${schemas}`;
    const held: pg.PoolClient[] = [];
    const store = await postgres(pool, { schema, ...(now ? { now } : {}) });
    const begun = async (take: (tx: pg.PoolClient) => unknown): Promise<() => Promise<void>> => {
      const tx = await pool.connect();
      held.push(tx);
      await tx.query('BEGIN');
      await take(tx);
      return async () => void (await tx.query('COMMIT'));
    };
    const hold: Given['hold'] = ({ id }) =>
      begun(async (tx) => {
        assert.equal((await store.find(id, tx))?.id, id);
      });
    const holdByIdAlone: Given['holdByIdAlone'] = ({ id }) =>
      begun((tx) =>
        tx.query('SELECT pg_advisory_xact_lock_shared(hashtext($1), hashtext($2))', [`sojourn "${schema}"`, id]),
      );
    const waiting: Given['waiting'] = async (many, unless = () => false) => {
      const asked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${schema}".%'`;
      const patience = AbortSignal.timeout(5000);
      while ((await pool.query(asked)).rows.length < many && !unless()) patience.throwIfAborted();
    };
    try {
      await run({ store, schema, hold, holdByIdAlone, waiting });
    } finally {
      for (const tx of held) {
        await tx.query('ROLLBACK');
        tx.release();
      }
      await store.close();
    }
  });
}

/** A user whose sessions stand in the same partition. */
function neighbour(id: string): string {
  for (let i = 0; ; i++) if (partitionOf(newSession(`n${i}`).id) === partitionOf(id)) return `n${i}`;
}

onHeld('G17: while an ending waits for a transaction, others of the partition sign in', async (given) => {
  const { store, hold, waiting } = given;
  const held = await created(store, 'ada');
  const done = await hold(held);
  const ending = store.end(held.id, { ...revoking, operation: operation() });
  await waiting(1);
  const others = await created(store, neighbour(held.id));
  assert.equal(partitionOf(others.id), partitionOf(held.id));
  assert.equal((await found(store, held.id)).ending, undefined);
  await done();
  await ending;
  assert.equal((await found(store, held.id)).ending?.reason, 'revoked');
});

onHeld('G17: a touch waits for no transaction, and keeps nobody waiting', async ({ store, hold, waiting }) => {
  const others = await Promise.all(Array.from({ length: 10 }, (_, i) => created(store, `u${i}`)));
  const [one, two] = await Promise.all([created(store, 'ada'), created(store, 'ada')]);
  const [first, held] = one.id < two.id ? [one, two] : [two, one];
  const done = await hold(held);
  const seenAt = store.now() + 1;
  await store.touch([{ id: held.id, seenAt }]);
  assert.equal((await found(store, held.id)).lastSeenAt, seenAt);
  // It has the first of the two, and waits for the other.
  const ending = store.endAll('ada', { ...revoking, operation: operation() });
  await waiting(1);
  await store.touch([...others, first].map(({ id }) => ({ id, seenAt })));
  assert.equal((await found(store, first.id)).lastSeenAt, seenAt);
  await store.touch([{ id: held.id, seenAt: seenAt + 1 }]);
  for (const { id } of others) {
    assert.equal((await found(store, id)).lastSeenAt, seenAt);
    assert.equal((await store.update(id, 1, { data: '{"n":1}' }, writing())).outcome, 'updated');
  }
  await done();
  assert.equal((await ending).length, 2);
  assert.equal((await found(store, first.id)).ending?.reason, 'revoked');
});

onHeld(
  'G7: who asserts a session while its ending waits comes after it, so that nobody keeps it alive',
  async (given) => {
    const { store, hold, waiting } = given;
    const session = await created(store, 'ada');
    const done = await hold(session);
    const ending = store.end(session.id, { ...revoking, operation: operation() });
    await waiting(1);
    const tx = await pool.connect();
    try {
      await tx.query('BEGIN');
      let asserted = false;
      const later = Promise.resolve(store.find(session.id, tx)).then((record) => {
        asserted = true;
        return record;
      });
      await waiting(2, () => asserted);
      assert.equal(asserted, false);
      await done();
      assert.equal((await ending)?.ended, true);
      assert.equal((await later)?.ending?.reason, 'revoked');
    } finally {
      await tx.query('ROLLBACK');
      tx.release();
    }
  },
);

onHeld('G17: a session that is asserted while it is touched is held all the same', async (given) => {
  const { store, schema, hold, waiting } = given;
  const session = await created(store, 'ada', { data: JSON.stringify({ text: 'x'.repeat(6000) }) });
  const touching = await pool.connect();
  try {
    await touching.query('BEGIN');
    await touching.query(`SELECT ${schema}.touch($1, $2, false)`, [[session.id], [session.lastSeenAt + 1]]);
    const done = await hold(session);
    await touching.query('COMMIT');
    const ending = store.end(session.id, { ...revoking, operation: operation() });
    await waiting(1);
    // Whatever PostgreSQL has made of the row's lock: this one is there.
    const { rows } = await pool.query(`SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND granted`);
    assert.deepEqual(rows, [{ mode: 'ShareLock' }]);
    await done();
    assert.equal((await ending)?.ended, true);
  } finally {
    touching.release();
  }
});

for (const isolation of ['REPEATABLE READ', 'SERIALIZABLE']) {
  onHeld(
    `G17: a transaction that sees an older state is not told that the session lives, ${isolation}`,
    async (given) => {
      const { store, schema } = given;
      const session = await created(store, 'ada');
      const tx = await pool.connect();
      try {
        await tx.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        await tx.query(`SELECT FROM ${schema}.sessions`);
        await store.touch([{ id: session.id, seenAt: session.lastSeenAt + 1 }]);
        await store.end(session.id, { ...revoking, operation: operation() });
        await assert.rejects(async () => store.find(session.id, tx), { code: '40001' });
      } finally {
        await tx.query('ROLLBACK');
        tx.release();
      }
    },
  );
}

onHeld('notices wait for no transaction', async (given) => {
  const { store, hold, waiting } = given;
  const held = await created(store, 'ada');
  const other = await created(store, neighbour(held.id));
  const done = await hold(held);
  let noted = false;
  const noting = store
    .note(
      [other, held].map(({ id }) => ({ id, code: 'token_replaced', count: 1 })),
      { until: store.now() + 2000 },
    )
    .then(() => {
      noted = true;
    });
  await waiting(1, () => noted);
  assert.equal(noted, true);
  await noting;
  const { events } = await store.events(null, 99);
  const told = events.filter(({ event }) => event.code === 'token_replaced').map(({ event }) => event.sessionId);
  assert.deepEqual(told.sort(), [held.id, other.id].sort());
  await done();
});

onHeld('the sweep passes over a session that is held although the lock of its row is lost', async (given) => {
  const { store, schema, holdByIdAlone } = given;
  const [held, other] = [await created(store, 'ada'), await created(store, 'bob')];
  const done = await holdByIdAlone(held);
  await pool.query(`UPDATE ${schema}.sessions SET last_seen_at = 0, expires_at = 1, due_at = (id <> $1)::int`, [
    held.id,
  ]);
  // There is room for one, and the one that is held comes first.
  const { expired } = await store.sweep(1, { until: store.now() + 2000 });
  assert.deepEqual(
    expired.map(({ id }) => id),
    [other.id],
  );
  await done();
});

onHeld('G17: a purge waits for a transaction although the lock of its session’s row is lost', async (given) => {
  const { store, holdByIdAlone } = given;
  const held = await created(store, 'ada');
  const done = await holdByIdAlone(held);
  const until = store.now() + 300;
  await assert.rejects(store.purge('ada', { operation: operation(), until }), code('store_unavailable'));
  await done();
  assert.equal((await found(store, held.id)).ending, undefined);
});

onHeld('G16: what is no transaction is refused, and not taken for one', async ({ store }) => {
  const { id } = await created(store, 'ada');
  const client = await pool.connect();
  try {
    for (const tx of [pool, client, {}, null]) {
      await assert.rejects(async () => store.find(id, tx), code('option_invalid'));
    }
  } finally {
    client.release();
  }
});

onHeld('a client that cannot say whether it has begun a transaction is taken at its word', async ({ store }) => {
  const { id } = await created(store, 'ada');
  const client = await pool.connect();
  const query: pg.PoolClient['query'] = client.query.bind(client);
  const older = (): never => {
    throw new TypeError('getTransactionStatus is not a function');
  };
  try {
    await client.query('BEGIN');
    for (const tx of [{ query }, { query, getTransactionStatus: older }]) {
      assert.equal((await store.find(id, tx))?.id, id);
    }
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

onHeld('G8: a write that waits for a transaction is late in time, and nothing of it happens after', async (given) => {
  const { store, hold } = given;
  const held = await created(store, 'ada');
  const done = await hold(held);
  const until = store.now() + 300;
  await assert.rejects(store.end(held.id, { ...revoking, operation: operation(), until }), code('store_unavailable'));
  // It has not waited for the transaction, which is still open, and does not go on waiting.
  const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
  assert.deepEqual((await pool.query(waits)).rows, []);
  await done();
  assert.equal((await found(store, held.id)).ending, undefined);
});

const clock = { now: Date.now() };

onHeld(
  'the sweep passes over a session that a transaction holds, and comes back',
  async ({ store, hold }) => {
    const [held, other] = [await created(store, 'ada'), await created(store, 'bob')];
    const done = await hold(held);
    clock.now += hour;
    assert.deepEqual(
      (await store.sweep(10)).expired.map(({ id }) => id),
      [other.id],
    );
    await done();
    assert.deepEqual(
      (await store.sweep(10)).expired.map(({ id }) => id),
      [held.id],
    );
  },
  () => clock.now,
);

onHeld('what is written together holds no partition while it waits for a session', async (given) => {
  const { store, hold, waiting } = given;
  const first = neighbour('A');
  const records = Array.from({ length: 400 }, (_, i) => stamped(newSession(`n${i}`), store.now()));
  const together = records.filter(({ id }) => partitionOf(id) === 0).slice(0, 3);
  assert.deepEqual([together.length, partitionOf(newSession(first).id)], [3, 0]);
  await store.adopt(together, [], { operation: operation() });
  const held = together.at(-1);
  assert.ok(held);
  const done = await hold(held);
  const newer = together.map((record) => ({ ...record, version: 2, data: '{"n":2}' }));
  const adopting = store.adopt(newer, [], { operation: operation() });
  await waiting(1);
  assert.equal(partitionOf((await created(store, first)).id), 0);
  await done();
  await adopting;
  assert.equal((await found(store, held.id)).data, '{"n":2}');
});

onHeld('two writes of the same sessions, each in its own order, do not wait for one another', async (given) => {
  const { store, schema, hold, waiting } = given;
  const deadlocks = async (): Promise<object[]> =>
    (await pool.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')).rows;
  const before = await deadlocks();
  const other = await postgres(pool, { schema });
  const records = Array.from({ length: 400 }, (_, i) => stamped(newSession(`n${i}`), store.now()));
  const together = records.filter(({ id }) => partitionOf(id) === 0).slice(0, 3);
  await store.adopt(together, [], { operation: operation() });
  const done = await Promise.all(together.map(hold));
  const newer = (data: string): SessionRecord[] => together.map((record) => ({ ...record, version: 2, data }));
  const adopting = [
    store.adopt(newer('{"n":1}'), [], { operation: operation() }),
    other.adopt(newer('{"n":1}').reverse(), [], { operation: operation() }),
  ];
  await waiting(2);
  for (const one of done) await one();
  await Promise.all(adopting);
  await other.close();
  for (const { id } of together) assert.equal((await found(store, id)).data, '{"n":1}');
  assert.deepEqual(await deadlocks(), before);
});
