import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { allEvents, created, found, operation, writing } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';

/* Rows that PostgreSQL has lost, as a dump that was restored in part. */

const missing = /partitions lacks some of its 64 rows: restore it/;

test('G11: where a partition’s row is missing nothing is acknowledged, proved or skipped [pglite]', async () => {
  const db = new PGlite();
  const store = await postgres({ query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) });
  const { id } = await created(store, 'u1');
  const { mark } = await store.beat(null);
  await db.exec('CREATE TABLE saved AS SELECT * FROM sojourn.partitions');
  for (const lost of ['counter > 0', 'counter = 0', 'true']) {
    await db.exec(`DELETE FROM sojourn.partitions WHERE ${lost}`);
    if (lost !== 'counter = 0') {
      await assert.rejects(store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() }), missing);
      await assert.rejects(store.update(id, 1, { data: '{"n":1}' }, writing()), missing);
      await assert.rejects(created(store, 'u1'), missing);
    }
    for (const read of [() => store.beat(mark), () => store.cursor(), () => store.events(null, 10)]) {
      await assert.rejects(async () => read(), missing);
    }
    await db.exec('DELETE FROM sojourn.partitions; INSERT INTO sojourn.partitions SELECT * FROM saved');
  }
  assert.equal((await found(store, id)).ending, undefined);
  await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  assert.deepEqual(
    (await allEvents(store)).map(({ event }) => event.type),
    ['signed_in', 'terminated'],
  );
});
