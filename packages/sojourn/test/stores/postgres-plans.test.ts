import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { stamped } from '../../src/lifecycle/session.ts';
import { created, creating, newSession, operation, writing } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

/* A plan that was made while the tables were empty is kept as they grow: it must not read them whole. */

const many = 2000;

test('what a write reads does not grow with the number of sessions [postgres]', {
  skip: skipWithout('initdb', 'postgres'),
}, async () => {
  const server = await postgresServer('autovacuum=off');
  // One connection: what is planned is kept in it, and it tells what it has read.
  const pool = new pg.Pool({ connectionString: server.url, max: 1 });
  const schema = `plans_${process.pid}`;
  const store = await postgres(pool, { schema });
  const read = async (): Promise<number> => {
    await pool.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await pool.query(
      `SELECT sum(seq_tup_read)::float8 AS read FROM pg_stat_user_tables
        WHERE schemaname = $1 AND relname IN ('sessions', 'subjects')`,
      [schema],
    );
    return Number(rows[0].read);
  };
  const write = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      const { id } = await created(store, `u${i}`);
      await store.update(id, 1, { data: '{"n":1}' }, writing());
      await store.setPermissions(`u${i}`, ['a'], { operation: operation() });
      await store.end(id, { reason: 'signed_out', by: 'u', keepData: true, operation: operation() });
      const visitor = await created(store, null);
      const replaces = { id: visitor.id, version: 1 };
      await store.create(newSession(`v${i}`), creating({ checkedAt: store.now() + 1, replaces }));
      await store.endAll(`v${i}`, { reason: 'revoked', by: 'x', operation: operation() });
    }
  };
  try {
    await write();
    const others = Array.from({ length: many }, (_, i) => stamped(newSession(`w${i}`), store.now()));
    await store.adopt(others, [], { operation: operation() });
    const before = await read();
    await write();
    const grown = (await read()) - before;
    assert.ok(grown < many, `${grown} rows for 70 writes`);
  } finally {
    await store.close();
    await pool.end();
    await server.stop();
  }
});
