import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import {
  allEvents,
  created,
  creating,
  found,
  newSession,
  operation,
  writing,
} from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { code } from '../lab.ts';
import { type PostgresServer, postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* One account owns the schema and brings it up to date; those of the nodes only read and write. */

const skip = process.env['DATABASE_URL'] ? 'these tests make accounts' : skipWithout('initdb', 'postgres');
const week = 7 * 86_400_000;
const rights = readFileSync(join(import.meta.dirname, '../../../../examples/store/rights.sql'), 'utf8');
let server: PostgresServer;
const pools: pg.Pool[] = [];

before(async () => {
  if (!skip) server = await postgresServer();
});
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await server?.stop();
});

function poolOf(account: string, options = ''): pg.Pool {
  const pool = new pg.Pool({ connectionString: server.url.replace('sojourn@', `${account}@`), options, max: 4 });
  // A connection that goes with its server is told by the calls that use it.
  pool.on('error', () => {});
  pools.push(pool);
  return pool;
}

test('an account that owns nothing does all but bring the schema up to date [postgres]', { skip }, async () => {
  const superuser = poolOf('sojourn');
  await superuser.query('CREATE ROLE owner LOGIN; CREATE ROLE app LOGIN; GRANT CREATE ON DATABASE postgres TO owner');
  const [owner, app] = [poolOf('owner'), poolOf('app')];
  // Of the past: this account cannot move the time beyond the server's.
  const clock = { now: (Math.floor(Date.now() / week) - 15) * week };
  const now = (): number => clock.now;
  await assert.rejects(postgres(app, { now }), code('store_unusable'));
  await postgres(owner, { now });
  await assert.rejects(postgres(app, { now }), code('store_unusable'));
  await owner.query(rights);
  const store = await postgres(app, { now });

  const { id } = await created(store, 'u1', { data: '{"a":1}' });
  await store.update(id, 1, { data: '{"a":2}' }, writing());
  await store.setPermissions('u1', ['a'], { operation: operation() });
  await store.touch([{ id, seenAt: clock.now + 1 }]);
  const { mark } = await store.beat(null);
  await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
  assert.equal((await found(store, id)).ending?.reason, 'revoked');
  assert.equal((await store.beat(mark)).changed[0]?.id, id);
  await created(store, 'u2');
  await store.purge('u2', { operation: operation() });
  assert.equal((await store.page(null, 10)).records.length, 1);

  const tables = async (): Promise<number> => {
    const { rows } = await owner.query(
      `SELECT count(*) FROM pg_inherits WHERE inhparent = 'sojourn.events'::regclass AND inhrelid <> 'sojourn.events_default'::regclass`,
    );
    return Number(rows[0].count);
  };
  for (let i = 0; i < 8; i++) {
    clock.now += week;
    await created(store, `user ${i}`);
    await store.sweep(100);
  }
  // Four weeks and this one, two ahead, and the one that the next lap drops.
  assert.equal(await tables(), 8);
  assert.ok((await allEvents(store)).every(({ event }) => event.at >= clock.now - 4 * week));

  // Without the right to the functions it reads and writes, and others must sweep.
  await owner.query('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sojourn FROM app');
  assert.deepEqual(store.warnings, []);
  const plain = await postgres(app, { now });
  assert.deepEqual(
    plain.warnings?.map((warning) => warning.code),
    ['events_kept'],
  );
  for (let i = 0; i < 4; i++) {
    clock.now += week;
    const made = await plain.create(newSession(`last ${i}`), creating({ checkedAt: clock.now + 1 }));
    assert.equal(made.outcome, 'created');
    assert.equal((await plain.sweep(100)).more, false);
  }
  assert.equal((await (await postgres(owner, { now })).sweep(100)).more, false);
});

test('G11: whatever time an account gives that owns nothing, what is within the retention stays [postgres]', {
  skip,
}, async () => {
  const schema = 'retained';
  const superuser = poolOf('sojourn');
  await superuser.query(
    'CREATE ROLE keeper LOGIN; CREATE ROLE sweeper LOGIN; GRANT CREATE ON DATABASE postgres TO keeper',
  );
  const [keeper, sweeper] = [poolOf('keeper'), poolOf('sweeper')];
  await postgres(keeper, { schema });
  await keeper.query(rights.replaceAll('sojourn', schema).replaceAll(/\bapp\b/g, 'sweeper'));
  const store = await postgres(sweeper, { schema });
  const { id } = await created(store, 'u1');
  const tables = async (): Promise<unknown> =>
    (await keeper.query(`SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '${schema}.events'::regclass`))
      .rows;
  const were = await tables();
  for (const time of ['9223372036854775807', '900000000000000000', String(Date.now() + 5 * week)]) {
    await sweeper.query(`SELECT ${schema}.forget(${time}, 10)`);
    await sweeper.query(`SELECT ${schema}.drop_weeks()`);
    assert.deepEqual(await tables(), were);
    await sweeper.query(`SELECT ${schema}.weeks(${time})`);
  }
  assert.deepEqual(await tables(), were);
  await store.end(id, { reason: 'revoked', by: 'x', operation: operation() });
  assert.deepEqual(
    (await allEvents(store)).map(({ event }) => event.type),
    ['signed_in', 'terminated'],
  );
});

test('G16: an account that may not execute what writes is refused at the opening, with the right to grant [postgres]', {
  skip,
}, async () => {
  const schema = 'unexecuted';
  const superuser = poolOf('sojourn');
  await superuser.query(`CREATE ROLE "Own er" LOGIN; CREATE ROLE "no des" LOGIN;
    GRANT CREATE ON DATABASE postgres TO "Own er";
    ALTER DEFAULT PRIVILEGES FOR ROLE "Own er" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`);
  const [owner, nodes] = [poolOf('Own%20er'), poolOf('no%20des')];
  await postgres(owner, { schema });
  await owner.query(`GRANT USAGE ON SCHEMA ${schema} TO "no des";
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO "no des"`);
  let fix = '';
  await assert.rejects(postgres(nodes, { schema }), (error: Error) => {
    fix = /GRANT .*?;/.exec(error.message)?.[0] ?? '';
    return code('store_unusable')(error);
  });
  await owner.query(fix);
  const store = await postgres(nodes, { schema });
  assert.deepEqual(store.warnings, []);
  assert.equal((await created(store, 'u1')).subject, 'u1');
});

test('an account of the application’s asserts a session with no more rights than it is documented to need [postgres]', {
  skip,
}, async () => {
  const schema = 'asserted';
  const superuser = poolOf('sojourn');
  const store = await postgres(superuser, { schema });
  const { id } = await created(store, 'u1');
  await superuser.query(`CREATE ROLE asserting LOGIN; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} FROM PUBLIC`);
  const client = await poolOf('asserting').connect();
  try {
    for (const right of [
      'USAGE ON SCHEMA',
      'EXECUTE ON FUNCTION hold',
      'SELECT ON sessions',
      'UPDATE (kind) ON sessions',
    ]) {
      await client.query('BEGIN');
      await assert.rejects(async () => store.find(id, client), { code: '42501' }, right);
      await client.query('ROLLBACK');
      await superuser.query(
        `GRANT ${right.replace(/SCHEMA$/, `SCHEMA ${schema}`).replace(/(hold|sessions)$/, `${schema}.$1`)} TO asserting`,
      );
    }
    await client.query('BEGIN');
    assert.equal((await store.find(id, client))?.id, id);
    await assert.rejects(client.query(`UPDATE ${schema}.sessions SET record = '{}'`), { code: '42501' });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});
