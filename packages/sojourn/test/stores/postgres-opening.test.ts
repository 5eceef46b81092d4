import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { SojournError } from '../../src/lifecycle/errors.ts';
import { created, found } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { code } from '../lab.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* What a store needs when it is opened, and what it says where that is not so. */

const skip = skipWithout('initdb', 'postgres');
let pool: pg.Pool;

onOwnServer(skip, 4, (made) => {
  pool = made;
});

test('an upgrade that only replaces functions waits for no vacuum [postgres]', { skip }, async () => {
  const schema = 'vacuumed';
  const { id } = await created(await postgres(pool, { schema }), 'u1');
  await pool.query(`UPDATE ${schema}.engine SET version = 6`);
  const vacuum = await pool.connect();
  await vacuum.query('BEGIN');
  for (const table of ['engine', 'partitions', 'sessions', 'subjects']) {
    await vacuum.query(`LOCK TABLE ${schema}.${table} IN SHARE UPDATE EXCLUSIVE MODE`);
  }
  try {
    const store = await postgres(pool, { schema });
    assert.equal((await found(store, id)).subject, 'u1');
  } finally {
    await vacuum.query('ROLLBACK');
    vacuum.release();
  }
});

test('G16: a name that is no schema, or not of ours alone, is refused before anything is made [postgres]', async () => {
  const asked: string[] = [];
  const client: PostgresClient = {
    async query({ text }) {
      asked.push(text);
      return { rows: [] };
    },
  };
  const others = ['public', 'information_schema', 'pg_catalog', 'pg_toast', 'pg_sessions'];
  for (const schema of ['', 'Upper', 'a-b', 'a"b', '1a', ...others]) {
    await assert.rejects(postgres(client, { schema }), code('option_invalid'));
  }
  assert.deepEqual(asked, []);
});

const quoted = 'word of u1';

test('G15: what the engine says of a row that it refused is not in the failure [postgres]', { skip }, async () => {
  await refusedUnquoted({ query: (statement) => pool.query(statement) });
});

test('G15: what the engine says of a row that it refused is not in the failure [pglite]', async () => {
  const db = new PGlite();
  await refusedUnquoted({ query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) });
});

async function refusedUnquoted(client: PostgresClient): Promise<void> {
  const store = await postgres(client, { schema: 'quoting' });
  await client.query({ text: `ALTER TABLE quoting.sessions ADD CONSTRAINT wordless CHECK (data = '{}')`, values: [] });
  const failure: unknown = await created(store, 'u1', { data: `{"w":"${quoted}"}` }).catch((error: unknown) => error);
  assert.ok(failure instanceof Error);
  const { code, constraint, schema, message } = Object(failure);
  assert.deepEqual([code, constraint, schema], ['23514', 'wordless', 'quoting']);
  assert.match(message, /violates check constraint/);
  assert.doesNotMatch(inspect(failure, { depth: 9 }), new RegExp(quoted));
}

test('G15: nor is it in the failure of an opening', async () => {
  const failing: PostgresClient = {
    query: () => Promise.reject(Object.assign(new Error('refused'), { code: '23502', detail: quoted, where: quoted })),
  };
  const failure: unknown = await postgres(failing).catch((error: unknown) => error);
  assert.ok(failure instanceof SojournError && failure.code === 'store_unavailable');
  assert.equal(Object(failure.cause).code, '23502');
  assert.doesNotMatch(inspect(failure, { depth: 9 }), new RegExp(quoted));
});
