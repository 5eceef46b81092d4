import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { stamped } from '../../src/lifecycle/session.ts';
import {
  allEvents,
  created,
  creating,
  found,
  hour,
  newSession,
  operation,
  writing,
} from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { statements } from '../../src/stores/postgres/sql.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/*
 * Others may make functions and operators that an account's search_path finds before PostgreSQL's own, or that
 * fit better: what a store does runs none of them.
 */

const skip = process.env['DATABASE_URL'] ? 'these tests make accounts' : skipWithout('initdb', 'postgres');
let superuser: pg.Pool;

onOwnServer(skip, 4, (made) => {
  superuser = made;
});

interface Asked {
  readonly texts: Set<string>;
  readonly names: Set<string>;
}

/** Everything that a store does, from the making of its schema; answers what it has sent. */
async function everything(pool: pg.Pool, schema: string): Promise<Asked> {
  const asked: Asked = { texts: new Set(), names: new Set() };
  const failed: unknown[] = [];
  const query: PostgresClient['query'] = async (statement) => {
    asked.texts.add(statement.text);
    asked.names.add(statement.name?.replace(`${schema}.`, '') ?? 'opening');
    try {
      return { rows: (await pool.query(statement)).rows };
    } catch (failure) {
      failed.push(failure);
      throw failure;
    }
  };
  const clock = { now: Date.now() };
  const client: PostgresClient = { query, connect: () => pool.connect(), options: pool.options };
  const [one, other] = [await postgres(client, { schema }), await postgres(client, { schema })];
  const store = await postgres(client, { schema, now: () => clock.now });
  try {
    const bobs = await created(other, 'bob');
    let heard = false;
    one.listen(() => {
      heard = true;
    });
    // What cannot be told is left to the beats, without a word.
    for (let version = 1; !heard && failed.length === 0; version++) {
      assert.equal((await other.update(bobs.id, version, { data: '{}' }, writing())).outcome, 'updated');
    }
    const { id } = await created(store, 'ada', {}, { checkedAt: clock.now + 1 });
    const visitor = await created(store, null);
    const replaces = { id: visitor.id, version: 1 };
    assert.equal(
      (await store.create(newSession('u2'), creating({ checkedAt: clock.now + 1, replaces }))).outcome,
      'created',
    );
    assert.equal((await store.update(id, 1, { data: '{"a":2}' }, writing())).outcome, 'updated');
    await store.touch([{ id, seenAt: clock.now + 1 }]);
    await store.adopt([stamped(newSession('u3'), clock.now)], [], { operation: operation() });
    await store.setPermissions('ada', ['a'], { operation: operation() });
    assert.equal((await store.list('ada')).live.length, 1);
    assert.equal((await store.page(null, 10, { state: 'signed-in', kind: 'standard' })).records.length, 4);
    assert.equal((await store.subject('ada')).subject, 'ada');
    assert.equal((await store.subjects(null, 10)).subjects.length, 1);
    const { mark } = await store.beat(null);
    const cursor = await store.cursor();
    const tx = await pool.connect();
    await tx.query('BEGIN');
    const holding: PostgresClient = {
      query(statement) {
        asked.texts.add(statement.text);
        asked.names.add('hold');
        return tx.query(statement);
      },
    };
    assert.equal((await store.find(id, holding))?.id, id);
    await tx.query('COMMIT');
    tx.release();
    await store.end(id, { reason: 'revoked', by: 'x', keepData: true, operation: operation() });
    assert.equal((await found(store, id)).ending?.reason, 'revoked');
    assert.equal((await store.beat(mark)).changed[0]?.id, id);
    assert.equal((await store.events(cursor, 10)).events.length, 1);
    await store.endAll('u3', { reason: 'revoked', by: 'x', operation: operation() });
    clock.now += hour;
    assert.equal((await store.sweep(10)).expired.length, 2);
    await store.purge('ada', { operation: operation() });
    assert.ok((await allEvents(store)).every(({ event }) => event.subject !== 'ada'));
    assert.deepEqual(failed, []);
    return asked;
  } finally {
    await Promise.all([store, one, other].map((opened) => opened.close()));
  }
}

function poolOf(account: string, options = ''): pg.Pool {
  const address = String(superuser.options.connectionString).replace('sojourn@', `${account}@`);
  const pool = new pg.Pool({ connectionString: address, options, max: 4 });
  // Told by the calls that fail.
  pool.on('error', () => {});
  return pool;
}

/** What of a statement is called, or compared, without its schema. */
function unqualified(text: string): string[] {
  const names = '(?:(?:[a-z_][a-z_0-9]*|"[^"]*")\\s*\\.\\s*)*';
  const bare = text.replaceAll(/'[^']*'/g, "''").replaceAll(/OPERATOR\(pg_catalog\.[^a-z\s()]+\)|(?<=SELECT )\*/g, ' ');
  const calls = [...bare.matchAll(new RegExp(`(${names})([a-z_][a-z_0-9]*)\\s*\\(`, 'gi'))]
    .filter(([, schema, name]) => schema === '' && !/^(any|exists|and|or|select|from|where|in)$/i.test(name ?? ''))
    .map(([call]) => call);
  const types = [...bare.matchAll(/::\s*(?!pg_catalog\.)\S+/g)].map(([type]) => type);
  const collations = [...bare.matchAll(/collate\s+(?!pg_catalog\.)\S+/gi)].map(([collation]) => collation);
  const operators = bare
    .replaceAll('::', ' ')
    .match(/[-+*/<>=~!@#%^&|`?]+|\b(in|between|like|ilike|similar|distinct)\b/gi);
  return [...calls, ...types, ...collations, ...(operators ?? [])];
}

test('what a store sends as text names the schema of whatever it calls [postgres]', { skip }, async () => {
  for (const [text, names] of Object.entries({
    'SELECT a * b': 1,
    'SELECT * FROM "s".f(g($1))': 1,
    'SELECT f ($1)': 1,
    "SELECT pg_catalog.f('g(') FROM t WHERE a OPERATOR(pg_catalog.=) ANY ($1)": 0,
    'SELECT a = $1, b IN ($1), c::text, d::pg_catalog.text[], e COLLATE "C"': 4,
  })) {
    assert.equal(unqualified(text).length, names, `${text}: ${unqualified(text)}`);
  }
  const schema = 'named';
  const { texts, names } = await everything(superuser, schema);
  // All that it ever sends was sent.
  assert.deepEqual([...names].sort(), [...Object.keys(statements(schema)), 'opening'].sort());
  for (const text of texts) {
    if (!/^DO /.test(text)) assert.deepEqual(unqualified(text), [], text);
    // A block says first where names are to be found, and once more where its transaction begins anew.
    else
      assert.match(
        text,
        /^DO \$migration\$\s+DECLARE present int;\s+BEGIN\s+SET LOCAL search_path = pg_catalog, pg_temp;/,
      );
  }
  const { rows } = await superuser.query(
    `SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace
      AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)`,
    [schema],
  );
  assert.deepEqual(rows, []);
});

test('whatever stands in an account’s search_path before PostgreSQL’s own is not run [postgres]', {
  skip,
}, async () => {
  await superuser.query('CREATE SCHEMA theirs');
  // All of PostgreSQL's functions and operators that can be made in PL/pgSQL, to fail when they are called.
  await superuser.query(`DO $$
    DECLARE one record;
    BEGIN
      FOR one IN
        SELECT oid, proname, proretset, proargtypes, prorettype FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') AND provariadic = 0
      LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION theirs.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', one.proname,
            (SELECT string_agg(format_type(type, NULL), ', ' ORDER BY place)
              FROM unnest(one.proargtypes) WITH ORDINALITY AS given(type, place)),
            CASE WHEN one.proretset THEN 'SETOF' ELSE '' END, format_type(one.prorettype, NULL),
            'BEGIN RAISE ''theirs''; END');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
      FOR one IN SELECT * FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0 LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION theirs.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'operator_' || one.oid,
            format_type(one.oprleft, NULL), format_type(one.oprright, NULL), format_type(one.oprresult, NULL),
            'BEGIN RAISE ''theirs''; END');
          EXECUTE format('CREATE OPERATOR theirs.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = theirs.%I)', one.oprname,
            format_type(one.oprleft, NULL), format_type(one.oprright, NULL), 'operator_' || one.oid);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
    END $$`);
  const moved = poolOf('sojourn', '-c search_path=theirs,pg_catalog');
  try {
    for (const call of [
      `jsonb_array_elements('[1]')`,
      `set_config('a.b', '', true)`,
      `pg_notify('a', '')`,
      `json_agg(1)`,
      `1::bigint % 2`,
      `'a'::text = 'b'::text`,
    ]) {
      await assert.rejects(moved.query(`SELECT ${call}`), /theirs/, call);
    }
    await everything(moved, 'unmoved');
  } finally {
    await moved.end();
  }
});

test('what fits better than PostgreSQL’s own, made by whoever may create in public, is not run [postgres]', {
  skip,
}, async () => {
  await superuser.query(`CREATE ROLE mallory LOGIN; CREATE ROLE nodes LOGIN; GRANT CREATE ON SCHEMA public TO mallory;
    GRANT CREATE ON DATABASE postgres TO nodes`);
  const [mallory, nodes] = [poolOf('mallory'), poolOf('nodes')];
  const failing = `LANGUAGE plpgsql AS $$ BEGIN RAISE 'mallory'; END $$`;
  const operators = [
    ['*', 'numeric', 'integer', 'numeric'],
    ['%', 'bigint', 'integer', 'bigint'],
    ['=', 'text', 'varchar', 'boolean'],
  ];
  try {
    for (const [index, [name, left, right, result]] of operators.entries()) {
      await mallory.query(`CREATE FUNCTION public.op${index}(${left}, ${right}) RETURNS ${result} ${failing};
        CREATE OPERATOR public.${name} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.op${index})`);
    }
    await mallory.query(`CREATE FUNCTION public.first(bigint, bigint) RETURNS bigint ${failing};
      CREATE AGGREGATE public.json_agg(bigint) (SFUNC = public.first, STYPE = bigint, INITCOND = '0');
      CREATE FUNCTION public.json_build_object(text, text, text, int, text, bigint, text, boolean, text, text)
        RETURNS json ${failing};
      CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text ${failing}`);
    await assert.rejects(nodes.query('SELECT 1::numeric * 1'), /mallory/);
    await everything(nodes, 'unfit');
  } finally {
    await Promise.all([mallory.end(), nodes.end()]);
  }
});
