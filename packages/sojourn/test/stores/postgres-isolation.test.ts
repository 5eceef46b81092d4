import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { eventBehaviour } from '../../src/stores/contract/events.ts';
import { sharedBehaviour } from '../../src/stores/contract/processes.ts';
import { raceBehaviour } from '../../src/stores/contract/races.ts';
import { created, found, hour, minute, operation } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { type PostgresServer, postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* A database may begin its transactions as it likes: what PostgreSQL takes back for that is decided again. */

const skip = skipWithout('initdb', 'postgres');
let server: PostgresServer | null = null;
const pools: pg.Pool[] = [];
let schemas = 0;

before(async () => {
  if (!skip) server = await postgresServer();
});
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await server?.stop();
});

function poolWith(isolation: string, max = 8): pg.Pool {
  const options = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`;
  const pool = new pg.Pool({ connectionString: server?.url, options, max });
  // A connection that goes with its server is told by the calls that use it.
  pool.on('error', () => {});
  pools.push(pool);
  return pool;
}

for (const code of ['40001', '40P01', '23505']) {
  test(`G8: what was taken back with ${code} is done again [postgres]`, { skip }, async () => {
    // One connection: on another one, what was just taken back may still hold its rows for a moment.
    const pool = poolWith('read committed', 1);
    const schema = `taken_${code.toLowerCase()}`;
    const clock = { now: Date.now() };
    const store = await postgres(pool, { schema, now: () => clock.now });
    const [ended, touched] = [await created(store, 'u1'), await created(store, 'u2')];
    await pool.query(`
      CREATE SEQUENCE ${schema}.tries;
      CREATE FUNCTION ${schema}.fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('${schema}.tries') % 2 = 1 THEN
          RAISE EXCEPTION 'not now' USING ERRCODE = '${code}', SCHEMA = '${schema}';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER fail AFTER UPDATE ON ${schema}.sessions FOR EACH ROW EXECUTE FUNCTION ${schema}.fail()`);
    const tries = async (): Promise<number> =>
      Number((await pool.query(`SELECT last_value FROM ${schema}.tries`)).rows[0].last_value);
    await store.end(ended.id, { reason: 'revoked', by: 'x', operation: operation() });
    assert.equal((await found(store, ended.id)).ending?.reason, 'revoked');
    assert.ok((await tries()) > 1);
    // What rests on nothing that was read comes second to nobody.
    if (code === '23505') return;
    clock.now += minute;
    await store.touch([{ id: touched.id, seenAt: clock.now }]);
    assert.equal((await found(store, touched.id)).lastSeenAt, clock.now);
    clock.now += hour;
    assert.deepEqual(
      (await store.sweep(10)).expired.map(({ id }) => id),
      [touched.id],
    );
  });
}

for (const isolation of ['repeatable read', 'serializable']) {
  const name = `postgres, ${isolation}`;
  if (skip) {
    test(`what many do at once [${name}]`, { skip }, () => {});
    continue;
  }
  let pool: pg.Pool | null = null;
  const open: Parameters<typeof raceBehaviour>[1] = async (now) => {
    pool ??= poolWith(isolation);
    const client = pool;
    schemas += 1;
    const schema = `isolated_${schemas}`;
    const opened = (): ReturnType<typeof postgres> => postgres(client, { schema, now, watchEvery: 20 });
    return { store: await opened(), another: opened, reopen: opened };
  };
  raceBehaviour(name, open);
  eventBehaviour(name, open);
  sharedBehaviour(name, open);

  test(`several processes that start at once make one schema [${name}]`, async () => {
    const clients = [poolWith(isolation), poolWith(isolation)];
    for (let round = 0; round < 5; round++) {
      const schema = `started_${isolation.slice(0, 1)}${round}`;
      const stores = await Promise.all([...clients, ...clients].map((client) => postgres(client, { schema })));
      const cursors = await Promise.all(stores.map(async (store) => store.cursor()));
      assert.equal(new Set(cursors).size, 1);
    }
  });
}
