import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from '../../test/between.ts';
import { code } from '../../test/lab.ts';
import { Site } from '../../test/near.ts';
import type { Store } from '../lifecycle/ports.ts';
import { created, operation, writing } from '../stores/contract/subject.ts';

const ending = { reason: 'signed_out', by: 'u1', operation: 'o1' } as const;

test('what was read is served from memory, without asking the engine', async () => {
  const site = new Site();
  const id = await site.known();
  const before = site.between.count('find');
  for (let i = 0; i < 100; i++) assert.ok(site.get(id));
  assert.equal(site.between.count('find'), before);
  assert.equal(site.near.counts.hits, 101);
});

test('G7: an ending elsewhere is unknown here for the bound at most', async () => {
  const site = new Site();
  const id = await site.known();
  await site.far.end(id, ending);
  await site.pass(300);
  assert.equal(site.get(id), null);
  assert.equal((await site.near.store.find(id))?.ending?.reason, 'signed_out');
});

test('G7: a process that is cut off serves nothing after the bound, and again once it has been told what changed', async () => {
  const site = new Site();
  const id = await site.known();
  const other = await site.known('u2');
  site.between.failing = (name) => name === 'beat';
  await site.far.end(id, ending);
  await site.pass(400);
  assert.ok(site.get(id), 'within the bound');
  await site.pass(600);
  assert.equal(site.get(id), null);
  assert.equal(site.get(other), null);
  assert.ok(site.near.counts.bypasses.unproved > 0);
  assert.ok(site.near.counts.beatsFailed > 0);
  site.between.failing = () => false;
  await site.pass(300);
  assert.equal(site.get(id), null);
  assert.ok(site.get(other));
});

test('G7: a beat that hangs proves nothing, and what it says counts from when it was sent', async () => {
  const site = new Site();
  const id = await site.known();
  const answer = Promise.withResolvers<void>();
  site.between.before('beat', () => answer.promise);
  await site.pass(950);
  answer.resolve();
  await settled();
  await site.far.end(id, ending);
  site.between.hanging = (name) => name === 'beat';
  // Sent 250 ms after the first, so it is 750 ms old already.
  await site.pass(300);
  assert.equal(site.get(id), null);
});

test('G7: a process that was stopped proves again first, by either clock', async () => {
  for (const sleeping of ['monotonic', 'wall'] as const) {
    const site = new Site();
    const id = await site.known();
    const clock = site.clock;
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    if (sleeping === 'wall') clock.elapsed = () => elapsed + 5000;
    else clock.now = () => now + 5000;
    assert.equal(site.get(id), null, sleeping);
  }
});

test('G7: a wall clock that was set back proves nothing', async () => {
  const site = new Site();
  const id = await site.known();
  const now = site.clock.now();
  site.clock.now = () => now - 2000;
  assert.equal(site.get(id), null);
});

test('G3: a read that a change overtook is not kept', async () => {
  const site = new Site();
  const { id } = await created(site.engine, 'u1');
  await site.prove(id);
  // Read, and on its way back while the session ends and a beat tells of it.
  const arrive = await site.underWay(id);
  await site.far.end(id, ending);
  await site.pass(300);
  assert.equal((await arrive())?.ending, undefined);
  assert.equal(site.get(id), null);
  assert.equal(site.near.counts.overtaken, 1);
});

test('G3: what this process writes it never serves as it was before', async () => {
  const writes: Readonly<Record<string, (store: Store, id: string) => Promise<unknown>>> = {
    update: (store, id) => store.update(id, 1, { data: '{"n":1}' }, writing()),
    end: (store, id) => store.end(id, ending),
    endAll: (store) => store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() }),
    setPermissions: (store) => store.setPermissions('u1', ['a'], { operation: operation() }),
    purge: (store) => store.purge('u1', { operation: operation() }),
    adopt: (store) =>
      store.adopt([], [{ subject: 'u1', changedAt: store.now(), disabled: true }], { operation: operation() }),
    limit: (store) => created(store, 'u1', {}, { limit: { most: 1, over: 'end-oldest' } }),
    replaced: (store, id) => created(store, 'u1', {}, { replaces: { id, version: 1 } }),
  };
  for (const [name, write] of Object.entries(writes)) {
    const site = new Site();
    const id = await site.known();
    await write(site.near.store, id);
    assert.equal(site.get(id), null, name);
    const failing = new Site();
    const doubtful = await failing.known();
    failing.between.failing = (call) => call !== 'find' && call !== 'beat';
    await assert.rejects(write(failing.near.store, doubtful), /ECONNREFUSED/);
    assert.equal(failing.get(doubtful), null, `${name}, of which nobody knows whether it was written`);
  }
});

test('G7: an engine that has forgotten what changed empties what is remembered', async () => {
  const site = new Site();
  const id = await site.known();
  for (let version = 1; version <= 1100; version++) {
    await site.far.update(id, version, { data: `{"n":${version}}` }, writing());
  }
  await site.pass(300);
  assert.equal(site.get(id), null);
  assert.equal(site.near.counts.partitionsLost, 1);
});

test('absent and ended are never remembered', async () => {
  const site = new Site();
  await site.prove('Aabsent');
  const { id } = await created(site.engine, 'u1');
  await site.engine.end(id, ending);
  for (const each of [id, 'Aabsent']) {
    await site.near.store.find(each);
    assert.equal(site.get(each), null);
  }
  assert.equal(site.near.counts.entries, 0);
});

test('a touch that was written moves what is remembered, one that was not does not', async () => {
  const site = new Site();
  const id = await site.known();
  const seenAt = site.clock.now() + 10;
  site.between.failing = (name) => name === 'touch';
  await assert.rejects(site.near.store.touch([{ id, seenAt }]));
  assert.ok((site.get(id)?.lastSeenAt ?? 0) < seenAt);
  site.between.failing = () => false;
  await site.near.store.touch([{ id, seenAt }]);
  assert.equal(site.get(id)?.lastSeenAt, seenAt);
});

test('reads of one id share a read that began after they asked', async () => {
  const site = new Site();
  const { id } = await created(site.engine, 'u1');
  const reads = Array.from({ length: 50 }, () => site.near.store.find(id));
  assert.ok((await Promise.all(reads)).every((record) => record?.id === id));
  assert.equal(site.between.count('find'), 2);
  const way = Promise.withResolvers<void>();
  site.between.before('find', () => way.promise);
  const hanging = site.near.store.find(id);
  const waiting = site.near.store.find(id);
  await site.pass(50);
  assert.equal((await waiting)?.id, id);
  way.resolve();
  await hanging;
});

test('a read that fails fails for who shares it, and for nobody after', async () => {
  const site = new Site();
  site.between.failing = () => true;
  const reads = [1, 2, 3].map(() => site.near.store.find('Aone'));
  for (const read of reads) await assert.rejects(async () => read, /ECONNREFUSED/);
  site.between.failing = () => false;
  assert.equal(await site.near.store.find('Aone'), null);
});

test('never more is remembered than the bytes that are given, and what is asked for stays', async () => {
  const site = new Site({ bytes: 20_000 });
  const wanted = await site.known();
  for (let i = 0; i < 200; i++) {
    const { id } = await created(site.engine, `v${i}`);
    // Who comes once gets no room in the place of others.
    for (let times = 0; times < 2; times++) await site.near.store.find(id);
    assert.ok(site.get(wanted));
  }
  const { bytes, entries, evicted } = site.near.counts;
  assert.ok(bytes <= 20_000 && bytes > 15_000);
  assert.ok(entries >= 21 && entries <= 27);
  assert.ok(evicted > 150);
});

test('what many requests share cannot be written to', async () => {
  const site = new Site();
  const id = await site.known();
  const record = site.get(id);
  assert.throws(() => Reflect.apply(Array.prototype.push, record?.permissions, ['admin']), TypeError);
});

test('nobody asks, so nothing beats; the first who asks waits for no beat', async () => {
  const site = new Site();
  const id = await site.known();
  await site.pass(40_000);
  const before = site.between.count('beat');
  await site.pass(10_000);
  assert.equal(site.between.count('beat'), before);
  assert.equal(site.get(id), null);
  await settled();
  assert.ok(site.get(id));
});

test('G7: an engine on this machine is asked in every turn, and nothing old is served', async () => {
  const site = new Site({ distance: 'machine' });
  const { id } = await created(site.engine, 'u1');
  await site.near.store.find(id);
  await settled();
  assert.equal(site.get(id), null, 'of what was read before the first beat nothing is known');
  await site.near.store.find(id);
  assert.ok(site.get(id));
  await settled();
  const beats = site.between.count('beat');
  for (let i = 0; i < 10; i++) assert.ok(site.get(id));
  assert.equal(site.between.count('beat'), beats + 1);
  await site.far.end(id, ending);
  await settled();
  assert.equal(site.get(id), null);
  site.between.failing = () => true;
  await settled();
  assert.equal(site.get(id), null);
  assert.equal(site.near.counts.beatsFailed, 1);
});

test('an engine on this machine that answers later than the turn proves nothing', async () => {
  const site = new Site({ distance: 'machine' });
  const { id } = await created(site.engine, 'u1');
  await site.near.store.find(id);
  for (const fate of ['resolve', 'reject'] as const) {
    const answer = Promise.withResolvers<void>();
    site.between.before('beat', () => answer.promise);
    assert.equal(site.get(id), null);
    answer[fate]();
    await settled();
  }
  assert.equal(site.near.counts.beatsFailed, 1);
});

test('clocks that come apart are said once, and again once they have met', async () => {
  const site = new Site();
  const id = await site.known();
  const real = site.clock.now;
  let ahead = 2001;
  site.near.store.now();
  Object.assign(site.engine, { now: () => real() + ahead });
  for (let i = 0; i < 3; i++) {
    site.get(id);
    await site.pass(250);
  }
  assert.deepEqual(site.skews, [2001]);
  assert.equal(site.near.counts.clockAhead, 2001);
  ahead = 0;
  site.get(id);
  await site.pass(250);
  ahead = -3000;
  site.get(id);
  await site.pass(250);
  assert.deepEqual(site.skews, [2001, -3000]);
});

test('the age of the proof is that of the last good one, and of none while nobody asks', async () => {
  const site = new Site();
  assert.equal(site.near.counts.provedAgo, null);
  const id = await site.known();
  site.between.failing = (name) => name === 'beat';
  for (let i = 0; i < 10; i++) {
    site.get(id);
    await site.pass(250);
  }
  assert.ok((site.near.counts.provedAgo ?? 0) >= 2250);
  site.between.failing = () => false;
  await site.pass(60_000);
  assert.equal(site.near.counts.provedAgo, null);
  const near = new Site({ distance: 'machine' });
  near.get(id);
  await settled();
  near.between.failing = (name) => name === 'beat';
  near.clock.advance('5m');
  near.get(id);
  assert.equal(near.near.counts.provedAgo, 300_000);
  near.clock.advance('1m');
  assert.equal(near.near.counts.provedAgo, null);
});

test('G7: a turn that takes a millisecond is asked in again, whatever the wall clock says', async () => {
  const site = new Site({ distance: 'machine' });
  const { id } = await created(site.engine, 'u1');
  site.get(id);
  await site.near.store.find(id);
  await settled();
  assert.ok(site.get(id));
  const wall = site.clock.now();
  site.clock.now = () => wall - 60_000;
  // Whole milliseconds would make it nearly two.
  site.clock.advance(1);
  await site.far.end(id, ending);
  assert.equal(site.get(id), null);
});

test('what an entry is taken for is no less than its lists and its wide characters', async () => {
  const site = new Site({ bytes: 10_000_000 });
  await site.prove('A');
  const plain = await created(site.engine, 'u1');
  await site.near.store.find(plain.id);
  const before = site.near.counts.bytes;
  const heavy = await created(site.engine, 'u2', {
    data: JSON.stringify({ text: '字'.repeat(5000) }),
    permissions: Array.from({ length: 100 }, (_, i) => `permission:${i}`),
    retired: Array.from({ length: 32 }, (_, i) => ({ hash: `h${i}`.padEnd(43, '-'), until: 0 })),
  });
  await site.near.store.find(heavy.id);
  assert.ok(site.near.counts.bytes - before > 24_000);
});

test('closed, it asks no more', async () => {
  const site = new Site();
  const id = await site.known();
  await site.near.store.close();
  assert.equal(site.get(id), null, 'not even within the bound');
  await site.pass(5000);
  const beats = site.between.count('beat');
  await site.pass(1000);
  assert.equal(site.between.count('beat'), beats);
  assert.throws(() => site.engine.find(id), code('store_unavailable'));
});
