import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClient } from 'redis';
import type { SessionRecord, Store } from 'sojourn';
import { redis } from 'sojourn/redis';
import { sqlite } from 'sojourn/sqlite';
import { created, operation } from '../../../sojourn/src/stores/contract/subject.ts';
import { redisServer } from '../../../sojourn/test/stores/redis-server.ts';
import { Afterwards, skipMoves } from '../../test/migration.ts';
import { dataFolder, killedOnce, sojourn } from '../../test/process.ts';

const count = 4000;

async function allOf(store: Store): Promise<SessionRecord[]> {
  const { records } = await store.page(null, 2 * count);
  return records.map(({ adopted, ...record }) => record);
}

async function fill(store: Store): Promise<SessionRecord[]> {
  const made = await Promise.all(Array.from({ length: count }, (_, i) => created(store, i % 5 ? `u${i % 900}` : null)));
  for (const { id } of made.slice(0, 50))
    await store.end(id, { reason: 'signed_out', by: 'u', operation: operation() });
  await store.endAll('u7', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  return made;
}

test('migrate: killed in the middle, twice, and run again, it has moved the same as in one go', {
  skip: skipMoves,
}, async (t) => {
  const afterwards = new Afterwards(t);
  const path = join(dataFolder(t), 'sessions.db');
  const from = sqlite(path);
  afterwards.after(() => from.close());
  const made = await fill(from);
  const server = await redisServer();
  afterwards.after(() => server.stop());
  const client = await createClient({ url: server.url }).connect();
  afterwards.after(() => client.close());
  const to = await redis(client);

  const command = ['migrate', '--from', `sqlite:${path}`, '--to', server.url, '--json'];
  // Their keys, not the sessions: to read them all takes longer than to move the rest.
  const sessionsThere = async (): Promise<number> => (await client.keys('sojourn:*:s:*')).length;
  for (const share of [0.1, 0.5]) {
    assert.equal(await killedOnce(async () => (await sessionsThere()) > share * count, command), 'SIGKILL');
    const there = await sessionsThere();
    assert.ok(there > share * count && there < count, `${there} of ${count}`);
  }
  // Meanwhile the application goes on.
  const gone = made.slice(100, 130);
  for (const { id } of gone) await from.end(id, { reason: 'revoked', by: 'root', operation: operation() });
  const { out, code } = await sojourn(command);
  assert.equal(code, 0);
  const told = JSON.parse(out);
  assert.equal(told.looked, count);
  assert.ok(told.unchanged > 0.5 * count - 30);
  assert.deepEqual(await allOf(to), await allOf(from));
  for (const { id } of gone) assert.equal((await to.find(id))?.ending?.reason, 'revoked');
  assert.equal((await to.subject('u7')).disabled, true);
  const again = JSON.parse((await sojourn(command)).out);
  assert.deepEqual([again.unchanged, again.moved, again.endedMeanwhile], [count, 0, 0]);
});
