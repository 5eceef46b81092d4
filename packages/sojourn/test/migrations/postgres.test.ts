import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import type { Store } from '../../src/lifecycle/ports.ts';
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

/* PGlite is PostgreSQL in this process: no server is needed to prove what becomes of an old schema. */

const version1 = readFileSync(join(import.meta.dirname, 'postgres-version-1.sql'), 'utf8');
/** When the old schema was left, and what stood in it. */
const closedAt = Date.UTC(2026, 0, 1, 0, 1);
const signedIn = 'u1vKnTRtzt2bnGOukpvkKRA';
const signedOut = 'u0uXzGFFMMHDwXwgs5niobg';
/** Before everything, and between an event of November and the others. */
const cursors = [`PGxUlNGw.${'-'.repeat(63)}`, `PGxUlNGw.${'-'.repeat(50)}1${'-'.repeat(13)}`];

async function open(db: PGlite, clock: { now: number }): Promise<Store> {
  return postgres(
    { query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) },
    { now: () => clock.now },
  );
}

async function old(): Promise<PGlite> {
  const db = new PGlite();
  await db.exec(version1);
  return db;
}

/** What a schema is made of, but for the tables of weeks. */
async function shape(db: PGlite): Promise<unknown> {
  const { rows } = await db.query(`
    SELECT relname AS name, format('%s %s %s', attname, format_type(atttypid, atttypmod), attnotnull) AS what
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
      WHERE relnamespace = 'sojourn'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^events_[0-9]+$'
    UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'sojourn' AND tablename !~ '^events_[0-9]+$'
    UNION SELECT proname, prosrc || prosecdef || coalesce(proconfig::text, '') FROM pg_proc WHERE pronamespace = 'sojourn'::regnamespace
    ORDER BY 1, 2`);
  return rows;
}

test('a schema of the first version is brought to this one’s with all that is in it [pglite]', async () => {
  const clock = { now: closedAt };
  const db = await old();
  const store = await open(db, clock);
  const fresh = new PGlite();
  await open(fresh, clock);
  assert.deepEqual(await shape(db), await shape(fresh));

  assert.equal((await allEvents(store)).length, 7);
  assert.deepEqual(await Promise.all(cursors.map(async (cursor) => (await allEvents(store, cursor)).length)), [7, 6]);
  assert.equal((await found(store, signedOut)).ending?.reason, 'signed_out');
  const { live, ended } = await store.list('u1');
  assert.deepEqual([live.map(({ data }) => data), ended.length], [['{"n":8}'], 1]);
  const { mark, lost } = await store.beat(null);
  assert.equal(lost.length, 64);
  assert.equal((await store.update(signedIn, 2, { data: '{"n":9}' }, writing())).outcome, 'updated');
  const beat = await store.beat(mark);
  assert.deepEqual([beat.changed.map(({ id }) => id), beat.lost], [[signedIn], []]);
  const refused = await store.create(newSession('u3'), creating({ checkedAt: clock.now + 1 }));
  assert.equal(refused.outcome, 'subject_changed');
  await store.setPermissions('u1', [], { operation: operation() });
  await created(store, 'u2', {}, { replaces: { id: 'AvisitorOfTheFirstRelease', version: 1 } });

  // What is past the retention is forgotten, and its table goes.
  for (let lap = 0; lap < 2; lap++) await store.sweep(100);
  await assert.rejects(async () => store.events(cursors[0] ?? '', 10), code('cursor_lost'));
  assert.equal((await allEvents(store, cursors[1])).length, 9);
  const { rows } = await db.query(`SELECT relname FROM pg_class WHERE relname ~ '^events_[0-9]+$' ORDER BY 1`);
  assert.deepEqual(
    rows.map((row) => Object(row).relname),
    ['events_2922', 'events_2923', 'events_2924'],
  );
});
