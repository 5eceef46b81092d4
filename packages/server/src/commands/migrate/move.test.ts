import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { SessionRecord, Store } from 'sojourn';
import { memory } from 'sojourn/memory';
import { sqlite } from 'sojourn/sqlite';
import { TestClock } from 'sojourn/testing';
import { created, found, operation, writing } from '../../../../sojourn/src/stores/contract/subject.ts';
import { move } from './move.ts';
import type { Tally } from './tally.ts';

const minute = 60_000;

function engines(): { clock: TestClock; from: Store; to: Store } {
  const clock = new TestClock();
  return { clock, from: memory({ now: clock.now }), to: memory({ now: clock.now }) };
}

const moved = (from: Store, to: Store): Promise<Tally> => move(from, to, () => {});
const ending = (): { reason: 'signed_out'; by: string; operation: string } => ({
  ...{ reason: 'signed_out', by: 'u1' },
  operation: operation(),
});

/** Everything but what says that it came from elsewhere. */
async function allOf(store: Store): Promise<SessionRecord[]> {
  const { records } = await store.page(null, 10_000);
  return records.map(({ adopted, ...record }) => record);
}

/** The counts that are not zero. */
function counted(tally: Tally): Record<string, number> {
  const { refused } = tally;
  const counts = Object.entries({ ...tally, refused }).filter((one): one is [string, number] => Number(one[1]) > 0);
  return Object.fromEntries(counts);
}

test('all that is live is moved with what had ended, and a second run has nothing to do', async () => {
  const { from, to } = engines();
  const made = await Promise.all(Array.from({ length: 350 }, (_, i) => created(from, i % 7 ? `u${i % 50}` : null)));
  for (const { id } of made.slice(0, 30)) await from.end(id, ending());
  await from.setPermissions('u1', ['a'], { operation: operation() });
  assert.deepEqual(counted(await moved(from, to)), { looked: 350, moved: 320, endedBefore: 30, subjects: 1 });
  assert.deepEqual(await allOf(to), await allOf(from));
  assert.deepEqual(counted(await moved(from, to)), { looked: 350, unchanged: 350, subjects: 1 });
});

test('the second run takes what changed: written, seen, begun and ended', async () => {
  const { from, to, clock } = engines();
  const [written, seen, ended, quiet] = [
    await created(from, 'u1'),
    await created(from, 'u1'),
    await created(from, 'u2'),
    await created(from, 'u3'),
  ];
  await moved(from, to);
  clock.advance(minute);
  await from.update(written.id, 1, { data: '{"n":1}' }, writing());
  await from.touch([{ id: seen.id, seenAt: clock.now() }]);
  await from.end(ended.id, ending());
  await created(from, 'u4');
  assert.deepEqual(counted(await moved(from, to)), { looked: 5, moved: 3, endedMeanwhile: 1, unchanged: 1 });
  assert.deepEqual(await allOf(to), await allOf(from));
  assert.equal((await found(to, ended.id)).ending?.reason, 'signed_out');
  assert.equal((await found(to, quiet.id)).version, 1);
});

test('a session that was purged ends, though nothing is left of it; of an empty engine nothing is concluded', async () => {
  const { from, to } = engines();
  const purged = await created(from, 'u1');
  const other = await created(from, 'u2');
  await moved(from, to);
  await from.purge('u1', { operation: operation() });
  assert.deepEqual(counted(await moved(from, to)), { looked: 1, unchanged: 1, endedMeanwhile: 1, subjects: 1 });
  assert.equal((await found(to, purged.id)).ending?.reason, 'purged');
  await moved(memory(), to);
  assert.equal((await found(to, other.id)).ending, undefined);
});

test('G10: who was disabled meanwhile has no session on the new engine, each ended for its own reason', async () => {
  const { from, to, clock } = engines();
  const [out, left] = [await created(from, 'u1'), await created(from, 'u1')];
  await moved(from, to);
  clock.advance(minute);
  const own = await created(to, 'u1');
  await from.end(out.id, ending());
  await from.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  assert.deepEqual(counted(await moved(from, to)), { looked: 2, endedMeanwhile: 3, subjects: 1 });
  assert.equal((await found(to, out.id)).ending?.reason, 'signed_out');
  assert.deepEqual((await found(to, left.id)).ending, (await found(from, left.id)).ending);
  assert.equal((await found(to, own.id)).ending?.reason, 'account_disabled');
  assert.equal((await to.subject('u1')).disabled, true);
});

test('where the new engine is in use already, what is newer there stays, and a conflict is refused by name', async () => {
  const { from, to, clock } = engines();
  const [both, here, changed] = [await created(from, 'u1'), await created(from, 'u2'), await created(from, 'u3')];
  await moved(from, to);
  clock.advance(minute);
  await to.update(both.id, 1, { data: '{"here":1}' }, writing());
  await from.update(both.id, 1, { data: '{"there":1}' }, writing());
  await to.update(here.id, 1, { data: '{"here":1}' }, writing());
  const late = await created(from, 'u3');
  clock.advance(1);
  await to.endAll('u3', { reason: 'password_changed', by: 'u3', operation: operation() });
  const tally = await moved(from, to);
  assert.deepEqual(counted(tally), { looked: 4, newer: 2, refused: 2 });
  const { refused } = Object(tally.toJSON());
  assert.deepEqual(refused.by, { written_here_too: 1, subject_changed: 1 });
  assert.deepEqual(refused.sessions.map(({ id }: { id: string }) => id).sort(), [both.id, late.id].sort());
  assert.equal((await found(to, both.id)).data, '{"here":1}');
  assert.equal((await found(to, changed.id)).ending?.reason, 'password_changed');
  assert.equal(await to.find(late.id), null);
});

test('what went to another engine comes back from there', async () => {
  const { from, to, clock } = engines();
  const [session, ended] = [await created(from, 'u1'), await created(from, 'u1')];
  await moved(from, to);
  clock.advance(minute);
  await to.update(session.id, 1, { data: '{"there":1}' }, writing());
  await to.end(ended.id, ending());
  const begun = await created(to, 'u2');
  assert.deepEqual(counted(await moved(to, from)), { looked: 3, moved: 2, endedMeanwhile: 1 });
  assert.equal((await found(from, session.id)).data, '{"there":1}');
  assert.equal((await found(from, begun.id)).ending, undefined);
});

function file(t: TestContext, clock: TestClock): { path: string; store: Store } {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const path = join(folder, 'sessions.db');
  const store = sqlite(path, { now: clock.now });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return { path, store };
}

function spoil(path: string, ids: readonly string[]): void {
  const db = new DatabaseSync(path);
  for (const id of ids) db.prepare('UPDATE sessions SET format = 99 WHERE id = ?').run(id);
  db.close();
}

test('records of an unknown format are refused with their ids, there or here, and stop nothing', async (t) => {
  const clock = new TestClock();
  const [from, to] = [file(t, clock), file(t, clock)];
  const made = await Promise.all(Array.from({ length: 60 }, (_, i) => created(from.store, `u${i}`)));
  const ids = made.map(({ id }) => id).sort();
  const [first = '', second = '', , middle = ''] = ids;
  const last = ids.at(-1) ?? '';
  spoil(from.path, [first, second, middle, last]);
  const tally = await moved(from.store, to.store);
  assert.deepEqual(counted(tally), { looked: 60, moved: 56, refused: 4 });
  const told = Object(tally.toJSON()).refused.sessions;
  assert.deepEqual(told.map(({ id }: { id: string }) => id).sort(), [first, second, middle, last].sort());
  assert.match(told[0].says, /has format 99 and this release reads 1/);
  assert.match(tally.toString(), new RegExp(`^ +4 refused$[\\s\\S]*^ +${first}: .*format 99`, 'm'));
  // Here: one that is known there, too, and a later state of it cannot be compared.
  const [, , third = ''] = ids;
  spoil(to.path, [third]);
  assert.deepEqual(counted(await moved(from.store, to.store)), { looked: 60, unchanged: 55, refused: 5 });
});
