import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionRecord, stamped } from '../lifecycle/session.ts';
import { newSession } from '../stores/contract/subject.ts';
import { Alike } from './alike.ts';
import { Entries } from './entries.ts';

function record(id: string, more: Parameters<typeof newSession>[1] = {}): SessionRecord {
  return { ...stamped(newSession('u1', more), 0), id };
}

const head = 'A23456789abc';

test('sessions whose ids begin alike are never taken for one another', () => {
  const entries = new Entries(100_000);
  const [one, other] = [`${head}-the-first--`, `${head}-the-second-`];
  entries.set(record(one), 1);
  assert.equal(entries.get(other, 0), null);
  entries.seen(other, 5);
  assert.equal(entries.delete(other), null);
  assert.equal(entries.get(one, 0)?.record.lastSeenAt, 0);

  const { bytes } = entries;
  entries.set(record(other), 2);
  assert.deepEqual([entries.get(one, 0), entries.get(other, 0)?.record.id], [null, other]);
  assert.deepEqual([entries.size, entries.bytes], [1, bytes]);
  assert.equal(entries.delete(other), 2);
  assert.deepEqual([entries.size, entries.bytes], [0, 0]);
});

test('what sessions have alike is in memory once, and is what each of them had', () => {
  const entries = new Entries(100_000);
  const device = { label: 'Chrome on Linux', userAgent: 'Mozilla/5.0 Ω', address: '192.0.2.0', addedAt: 7 };
  const records = ['A1', 'A2'].map((id) =>
    record(id, { permissions: ['orders:read', 'orders:write'], device: { ...device } }),
  );
  for (const one of records) entries.set(one, 1);
  const [first, second] = records.map(({ id }) => entries.get(id, 0)?.record.permissions);
  assert.equal(first, second);
  assert.ok(Object.isFrozen(first));
  assert.deepEqual(
    records.map(({ id }) => entries.get(id, 0)?.record),
    records,
  );
});

test('once there is no room, only what is asked for again gets some', () => {
  const entries = new Entries(20_000);
  const ids = Array.from({ length: 300 }, (_, i) => `A${String(i).padStart(5, '0')}-is-another-one-`);
  const there = (): string[] => ids.filter((id) => entries.get(id, 0) !== null);
  for (const id of ids.slice(0, 200)) entries.set(record(id), 1);
  const before = there();
  assert.deepEqual([before, entries.evicted], [ids.slice(0, entries.size), 0]);
  // What is there is kept as it is read now, without being asked for twice.
  const [first = ''] = before;
  entries.set(record(first, { data: '{"n":1}' }), 2);
  assert.equal(entries.get(first, 0)?.record.data, '{"n":1}');
  for (const id of ids.slice(200)) entries.set(record(id), 3);
  assert.equal(entries.evicted, 0);
  for (const id of ids.slice(200, 203)) {
    entries.set(record(id), 4);
    assert.equal(entries.get(id, 0)?.record.id, id);
  }
  assert.ok(entries.evicted >= 2 && entries.evicted <= 3 && entries.bytes <= 20_000);
});

test('where all were asked for, one that comes is not put out again, and few are passed for it', () => {
  const entries = new Entries(2_000_000);
  const ids = Array.from({ length: 3000 }, (_, i) => `A${String(i).padStart(5, '0')}-is-another-one-`);
  for (const id of ids) entries.set(record(id), 1);
  const known = ids.filter((id) => entries.get(id, 0) !== null);
  entries.set(record(ids.at(-1) ?? ''), 2);
  assert.equal(entries.get(ids.at(-1) ?? '', 0)?.record.id, ids.at(-1));
  // The hand has passed 256 and put out the one behind them.
  assert.deepEqual(
    known.filter((id) => entries.get(id, 0) === null),
    [known[256]],
  );
});

test('lists that differ only in where a name ends are two', () => {
  const known = new Alike();
  assert.deepEqual(
    [known.list(['a,b']), known.list(['a', 'b']), known.list(['a","b'])],
    [['a,b'], ['a', 'b'], ['a","b']],
  );
});

test('no more is remembered of what differs than a bound', () => {
  const known = new Alike();
  const first = known.list(['0']);
  for (let i = 1; i < 1024; i++) known.list([String(i)]);
  assert.equal(known.list(['0']), first);
  known.list(['one too many']);
  assert.notEqual(known.list(['0']), first);
});
