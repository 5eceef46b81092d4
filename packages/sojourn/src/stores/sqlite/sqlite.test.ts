import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { assertToldInPlace, unreadableKept } from '../../../test/stores/unreadable-event.ts';
import { temporary } from '../../../test/temporary.ts';
import { SojournError } from '../../lifecycle/errors.ts';
import { isTerminal } from '../../lifecycle/events.ts';
import type { Store } from '../../lifecycle/ports.ts';
import { storeContract } from '../contract/contract.ts';
import {
  allEvents,
  created,
  creating,
  found,
  hour,
  minute,
  newSession,
  operation,
  writing,
} from '../contract/subject.ts';
import { sqlite } from './sqlite.ts';

function freshPath(): string {
  return temporary('sessions.db');
}

storeContract('sqlite', async (now) => {
  const path = freshPath();
  const store = sqlite(path, { now });
  return {
    store,
    another: async () => sqlite(path, { now }),
    reopen: async () => {
      await store.close();
      return sqlite(path, { now });
    },
  };
});

function refusal(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SojournError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** Changes a store's file behind its back. */
function tamper(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

test('G15: the file and its companions are for their owner only [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  await created(store, 'u1');
  for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  await store.close();
});

test('G16: a file that others can read is refused, and the message says how to mend it [sqlite]', async () => {
  const path = freshPath();
  await sqlite(path).close();
  chmodSync(path, 0o640);
  assert.throws(() => sqlite(path), refusal('store_unusable', /chmod 600/));
});

test('G16: a folder that cannot be made is said [sqlite]', () => {
  for (const folder of ['/dev/null/nowhere', '/proc/nowhere']) {
    assert.throws(() => sqlite(`${folder}/sessions.db`), refusal('store_unusable', /folder/), folder);
  }
});

test('G16: a path that names no file is refused [sqlite]', () => {
  assert.throws(() => sqlite(''), refusal('option_invalid', /path "": use a text/));
  assert.throws(() => sqlite(temporary('')), refusal('store_unusable', /is a folder: name a file in it/));
});

test('G16: a file that is no database is refused and left as it is [sqlite]', () => {
  const path = freshPath();
  writeFileSync(path, 'a shopping list, longer than the header of a database file'.repeat(40), { mode: 0o600 });
  const before = statSync(path).size;
  assert.throws(() => sqlite(path), refusal('store_unusable', /not a database.*Name another file/));
  assert.equal(statSync(path).size, before);
});

test('G16: a file of a newer release is refused [sqlite]', async () => {
  const path = freshPath();
  await sqlite(path).close();
  tamper(path, 'PRAGMA user_version = 99');
  assert.throws(() => sqlite(path), refusal('store_unusable', /version 99.*newer release/));
});

test('G8: a corrupt or newer record is unknown, with the id, never an empty session [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const { id } = await created(store, 'u1');
  const cases: readonly [string, RegExp][] = [
    [`record = 'not json'`, /not JSON/],
    [`record = '7'`, /not an object/],
    [`record = 'null'`, /not an object/],
    [`record = '{"subject":"u1"}'`, /lacks a field/],
    [`record = json_remove(record, '$.rotatedAt')`, /lacks a field/],
    [`record = json_set(record, '$.retired', json('[null]'))`, /lacks a field/],
    [`record = json_set(record, '$.factors', json('["password"]'))`, /lacks a field/],
    [`record = json_set(record, '$.permissions', json('[7]'))`, /lacks a field/],
    [`format = 2`, /format 2/],
  ];
  for (const [change, message] of cases) {
    const before = new DatabaseSync(path).prepare('SELECT record FROM sessions').get();
    tamper(path, `UPDATE sessions SET ${change}`);
    const named = (error: unknown): boolean =>
      refusal('store_unavailable', message)(error) && error instanceof SojournError && error.sessionId === id;
    assert.throws(() => store.find(id), named);
    assert.throws(() => store.list('u1'), named);
    assert.throws(() => store.page(null, 10), named);
    await assert.rejects(store.end(id, { reason: 'revoked', by: 'x', operation: operation() }), named);
    tamper(path, `UPDATE sessions SET format = 1, record = '${String(before?.['record'])}'`);
  }
  assert.notEqual(await store.find(id), null);
  await store.close();
});

test('G6 G10 G11: one record that cannot be read does not keep the rest from being ended [sqlite]', async () => {
  for (const change of ['format = 2', `record = 'not json'`]) {
    const path = freshPath();
    const clock = { now: Date.UTC(2026, 0, 1) };
    const store = sqlite(path, { now: () => clock.now });
    const [broken, whole, bobs] = [await created(store, 'u1'), await created(store, 'u1'), await created(store, 'bob')];
    const before = new DatabaseSync(path).prepare('SELECT record FROM sessions WHERE id = ?').get(broken.id);
    tamper(path, `UPDATE sessions SET ${change} WHERE id = '${broken.id}'`);

    clock.now += 25 * minute;
    await store.touch([broken, whole, bobs].map(({ id }) => ({ id, seenAt: clock.now })));
    assert.equal((await found(store, bobs.id)).lastSeenAt, clock.now);
    await store.note([broken, bobs].map(({ id }) => ({ id, code: 'secret_mismatch', count: 1 })));

    await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
    assert.equal((await found(store, whole.id)).ending?.reason, 'account_disabled');
    // Whoever can read it sees that it has ended.
    tamper(path, `UPDATE sessions SET format = 1, record = '${String(before?.['record'])}' WHERE id = '${broken.id}'`);
    assert.ok((await found(store, broken.id)).ending);
    const ended = (await allEvents(store)).filter(({ event }) => event.type === 'terminated');
    assert.deepEqual(ended.map(({ event }) => event.sessionId).sort(), [broken.id, whole.id].sort());

    const lost = await created(store, 'u2');
    tamper(path, `UPDATE sessions SET ${change} WHERE id = '${lost.id}'`);
    clock.now += hour;
    const swept = await store.sweep(10);
    assert.deepEqual([swept.expired.map(({ id }) => id), swept.unreadable], [[bobs.id], [lost.id]]);
    assert.deepEqual((await store.sweep(10)).unreadable, []);
    await store.close();
  }
});

test('G10: permissions that cannot be taken from a record end it, and a purge removes it [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const { id } = await created(store, 'u1', { permissions: ['admin'] });
  tamper(path, 'UPDATE sessions SET format = 2');
  await store.setPermissions('u1', [], { operation: operation() });
  tamper(path, 'UPDATE sessions SET format = 1');
  assert.ok((await found(store, id)).ending);
  tamper(path, 'UPDATE sessions SET format = 2');
  await store.purge('u1', { operation: operation() });
  assert.equal(await store.find(id), null);
  await store.close();
});

test('what is kept for a subject and cannot be read is lost, and nothing with it [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  for (const kept of unreadableKept) {
    tamper(path, `UPDATE subjects SET kept = '${kept}'`);
    assert.deepEqual([(await store.subject('u1')).disabled, (await store.subject('u1')).kept], [true, undefined]);
  }
  await store.enable('u1', { operation: operation() });
  assert.equal((await created(store, 'u1')).subject, 'u1');
  await store.close();
});

test('G10: an event that cannot be read is told in its place [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  await assertToldInPlace(store, async (_id, body) =>
    tamper(path, `UPDATE events SET body = '${body}' WHERE position = 2`),
  );
  await store.close();
});

test('an event that cannot be read does not keep a purge from the rest, and goes whole [sqlite]', async () => {
  for (const body of ['', 'not json', 'null', '"of u1!"', '["of u1!"]']) {
    const path = freshPath();
    const store = sqlite(path);
    const [first, second] = [await created(store, 'u1'), await created(store, 'u1')];
    const bobs = await created(store, 'bob');
    tamper(path, `UPDATE events SET body = '${body}' WHERE position = 1`);
    const ended = await store.purge('u1', { operation: operation() });
    assert.deepEqual(ended.map(({ id }) => id).sort(), [first.id, second.id].sort());
    const told = await allEvents(store);
    assert.deepEqual(
      told.map(({ event }) => [event.type, event.subject]),
      [
        ['signed_in', null],
        ['signed_in', 'bob'],
        ['terminated', null],
        ['terminated', null],
      ],
      body,
    );
    assert.equal(told[1]?.event.sessionId, bobs.id);
    assert.doesNotMatch(JSON.stringify(new DatabaseSync(path).prepare('SELECT * FROM events').all()), /u1!/);
    await store.close();
  }
});

test('fields of a later release survive an update by this one', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const { id } = await created(store, 'u1');
  tamper(path, `UPDATE sessions SET record = json_set(record, '$.binding', json('{"key":"k"}'))`);
  await store.update(id, 1, { data: '{"n":1}' }, writing());
  const row = new DatabaseSync(path).prepare(`SELECT json_extract(record, '$.binding.key') AS key FROM sessions`).get();
  assert.equal(row?.['key'], 'k');
  await store.close();
});

test('G16: what cannot be copied to the writing thread is refused, and nothing else with it [sqlite]', async () => {
  const store = sqlite(freshPath());
  const { id } = await created(store, 'u1');
  const results = await Promise.allSettled([
    Reflect.apply(store.end, store, [id, { reason: 'revoked', by: () => {}, operation: operation() }]),
    store.update(id, 1, { data: '{"n":1}' }, writing()),
  ]);
  assert.equal(results[0]?.status === 'rejected' && results[0].reason.code, 'option_invalid');
  assert.equal(results[1]?.status, 'fulfilled');
  assert.equal((await store.create(newSession('u2'), creating({ checkedAt: store.now() + 1 }))).outcome, 'created');
  await store.close();
});

test('G5: an operation that fails takes no other of its batch with it [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const broken = await created(store, 'u1');
  const whole = await created(store, 'u2');
  tamper(path, `UPDATE sessions SET record = '7' WHERE id = '${broken.id}'`);
  const results = await Promise.allSettled([
    store.update(whole.id, 1, { data: '{"n":1}' }, writing()),
    store.update(broken.id, 1, { data: '{"n":1}' }, writing()),
    store.create(newSession('u3'), creating({ checkedAt: store.now() + 1 })),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal((await store.list('u3')).live.length, 1);
  await store.close();
});

async function many(store: Store, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async () => (await created(store, 'u1')).id));
}

test('while very many sessions of one user end, others wait for a part and not for all [sqlite]', async () => {
  const store = sqlite(freshPath());
  await many(store, 1000);
  const writes: Readonly<Record<string, () => Promise<unknown>>> = {
    endAll: () => store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() }),
    purge: () => store.purge('u1', { operation: operation() }),
  };
  for (const [name, write] of Object.entries(writes)) {
    const answered: string[] = [];
    await Promise.all([
      write().then(() => answered.push(name)),
      created(store, 'u2').then(() => answered.push('sign-in')),
    ]);
    assert.deepEqual(answered, ['sign-in', name]);
  }
  await store.close();
});

test('G11: of several that end the same very many sessions each ends once, whichever comes to it [sqlite]', async () => {
  const store = sqlite(freshPath());
  const ids = await many(store, 450);
  const ending = { reason: 'revoked', by: 'x' } as const;
  const ended = await Promise.all([
    store.endAll('u1', { ...ending, operation: operation() }),
    store.endAll('u1', { ...ending, operation: operation() }),
  ]);
  assert.deepEqual(
    ended
      .flat()
      .map(({ id }) => id)
      .sort(),
    ids.toSorted(),
  );
  assert.equal((await allEvents(store)).filter(({ event }) => isTerminal(event)).length, 450);
  await store.close();
});

test('G5: closing finishes the parts that are left [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  await many(store, 450);
  const ending = store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
  await store.close();
  assert.equal((await ending).length, 450);
  const again = sqlite(path);
  assert.equal((await again.list('u1')).live.length, 0);
  await again.close();
});

test('G10: of two settings of permissions the later holds for all of very many sessions [sqlite]', async () => {
  const store = sqlite(freshPath());
  const [first = ''] = await many(store, 250);
  await Promise.all([
    store.setPermissions('u1', ['a', 'b'], { operation: operation() }),
    store.end(first, { reason: 'signed_out', by: 'u1', operation: operation() }),
    store.setPermissions('u1', [], { operation: operation() }),
  ]);
  const { live } = await store.list('u1');
  assert.deepEqual(
    [...new Set(live.map(({ permissions, grants }) => [...permissions, ...(grants ?? [])].length))],
    [0],
  );
  await store.close();
});

test('G6: a touch that was sent before an ending by the clock counts, however many were sent with it [sqlite]', async () => {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const store = sqlite(freshPath(), { now: () => clock.now });
  const made = await Promise.all(Array.from({ length: 1600 }, (_, i) => created(store, `u${i}`)));
  const last = made.at(-1);
  if (last === undefined) throw new Error('none was made');
  const seenAt = last.lastSeenAt + last.idleTimeout - 1;
  clock.now = seenAt + 2;
  const touched = store.touch(made.map(({ id }) => ({ id, seenAt })));
  const ifExpired = { idleTimeout: last.idleTimeout, lifetime: last.expiresAt - last.createdAt };
  const ended = await store.end(last.id, {
    reason: 'session_expired_idle',
    by: 'clock',
    operation: operation(),
    ifExpired,
  });
  await touched;
  assert.equal(ended?.record.ending, undefined);
  await store.close();
});

test('a sweep of very many lets others write between its parts [sqlite]', async () => {
  const clock = { now: Date.now() };
  const store = sqlite(freshPath(), { now: () => clock.now });
  await Promise.all(Array.from({ length: 450 }, () => created(store, 'u1')));
  clock.now += hour;
  const answered: string[] = [];
  await Promise.all([
    store.sweep(500).then(({ expired, more }) => answered.push(`${expired.length} ${more}`)),
    created(store, 'u2').then(() => answered.push('sign-in')),
  ]);
  assert.deepEqual(answered, ['sign-in', '450 false']);
  await store.close();
});

test('G8: a write that cannot get the file is unknown, and the store goes on afterwards [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path, { busyTimeout: 20 });
  const blocker = new DatabaseSync(path);
  blocker.exec('BEGIN IMMEDIATE');
  await assert.rejects(created(store, 'u1'), refusal('store_unavailable', /locked/));
  assert.equal(await store.find('Aunknown'), null);
  blocker.exec('ROLLBACK');
  blocker.close();
  await created(store, 'u1');
  await store.close();
});

test('G8: a write that has waited for the file longer than anybody waits for it is not begun [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const record = await created(store, 'u1');
  const blocker = new DatabaseSync(path);
  blocker.exec('BEGIN IMMEDIATE');
  const until = store.now() + 20;
  const late = assert.rejects(
    store.end(record.id, { reason: 'signed_out', by: 'u1', operation: operation(), until }),
    refusal('store_unavailable', /late/),
  );
  while (store.now() < until) await new Promise((resolve) => setImmediate(resolve));
  blocker.exec('ROLLBACK');
  blocker.close();
  await late;
  assert.deepEqual(await store.find(record.id), record);
  await store.close();
});

test('G8: a closed store answers nothing [sqlite]', async () => {
  const store = sqlite(freshPath());
  await store.close();
  await store.close();
  assert.throws(() => store.find('Aunknown'), refusal('store_unavailable', /closed/));
  await assert.rejects(created(store, 'u1'), refusal('store_unavailable', /closed/));
});

test('G5: closing finishes what was under way [sqlite]', async () => {
  const path = freshPath();
  const store = sqlite(path);
  const writes = Array.from({ length: 50 }, (_, i) => created(store, `u${i}`));
  await store.close();
  await Promise.all(writes);
  const again = sqlite(path);
  assert.equal((await again.page(null, 100)).records.length, 50);
  await again.close();
});
