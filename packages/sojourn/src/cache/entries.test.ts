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
  assert.equal(entries.get(one, 0)?.lastSeenAt, 0);

  const { bytes } = entries;
  entries.set(record(other), 2);
  assert.deepEqual([entries.get(one, 0), entries.get(other, 0)?.id], [null, other]);
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
  const [first, second] = records.map(({ id }) => entries.get(id, 0)?.permissions);
  assert.equal(first, second);
  assert.ok(Object.isFrozen(first));
  assert.deepEqual(
    records.map(({ id }) => entries.get(id, 0)),
    records,
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
