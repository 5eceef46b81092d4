import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { stamped } from '../../src/lifecycle/session.ts';
import type { Change } from '../../src/stores/changes.ts';
import { allEvents, created, found, newSession, operation, writing } from '../../src/stores/contract/subject.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import { listOf, type Row } from '../../src/stores/postgres/rows.ts';
import { version8 } from './postgres-version-8.ts';

/* While an upgrade is rolled out, a release of the schema's last version goes on with what it has open. */

/** Sends what the former release would have sent: also what it told of other sessions to lock. */
function asVersion8(client: PostgresClient, sent: Set<string>): PostgresClient {
  const texts = version8('"sojourn"');
  return {
    async query(statement) {
      const name = statement.name?.replace('sojourn.', '') ?? '';
      const text = texts[name];
      if (text === undefined) return client.query(statement);
      sent.add(name);
      const values = name.startsWith('commit') ? [statement.values[0], besides(statement.values[1])] : statement.values;
      const { rows } = await client.query({ text, values: [...values] });
      return { rows: name === 'beat' ? rows.map(unnamed) : rows };
    },
  };
}

/** What changed, in the order in which this release reads it. */
function unnamed(row: Row): Row {
  const changes = listOf<Change & { readonly partition: number }>(row['changes']);
  return { ...row, changes: changes.map(({ partition, number, mark, at, id }) => [partition, number, mark, at, id]) };
}

function besides(text: unknown): string {
  const given: object | readonly object[] = JSON.parse(String(text));
  const one = (stage: object): object => ({ ...stage, beside: [] });
  return JSON.stringify(Array.isArray(given) ? given.map(one) : one(given));
}

test('a release of version 8 goes on beside this one [pglite]', async () => {
  const db = new PGlite();
  const client: PostgresClient = { query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) };
  const sent = new Set<string>();
  const store = await postgres(client);
  const former = await postgres(asVersion8(client, sent));
  const { id } = await created(former, 'u1');
  assert.equal((await store.update(id, 1, { data: '{"n":1}' }, writing())).outcome, 'updated');
  assert.equal((await former.update(id, 2, { data: '{"n":2}' }, writing())).outcome, 'updated');
  assert.equal((await store.update(id, 2, { data: '{"n":3}' }, writing())).outcome, 'conflict');
  const seenAt = store.now() + 1;
  await former.touch([{ id, seenAt }]);
  assert.equal((await found(store, id)).lastSeenAt, seenAt);
  const adopted = [stamped(newSession('u2'), store.now()), stamped(newSession('u3'), store.now())];
  await former.adopt(adopted, [], { operation: operation() });
  for (const one of adopted) assert.equal((await found(store, one.id)).subject, one.subject);
  const { mark } = await former.beat(null);
  await store.end(id, { reason: 'revoked', by: 'x', operation: operation() });
  assert.deepEqual(
    (await former.beat(mark)).changed.map((one) => one.id),
    [id],
  );
  await former.setPermissions('u2', ['a'], { operation: operation() });
  await former.endAll('u2', { reason: 'revoked', by: 'x', operation: operation() });
  await former.sweep(10);
  await former.purge('u3', { operation: operation() });
  assert.deepEqual(await allEvents(former), await allEvents(store));
  await former.cursor();
  // What is still to be told is told.
  await former.close();
  assert.deepEqual([...sent].sort(), Object.keys(version8('')).sort());
});
