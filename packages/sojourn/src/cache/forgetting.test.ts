import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from '../../test/between.ts';
import { code, through } from '../../test/lab.ts';
import { Site } from '../../test/near.ts';
import type { Beat, Store } from '../lifecycle/ports.ts';
import { partitionOf } from '../lifecycle/token.ts';
import { created, found, hour, operation, writing } from '../stores/contract/subject.ts';

/* What is remembered and must not be served, or must be forgotten before a beat tells of it. */

const ending = { reason: 'signed_out', by: 'u1', operation: 'o1' } as const;

test('G7: what a silent primary holds is not proved by the answers of the others', async () => {
  let silent: readonly number[] = [];
  const isBeat = (answer: unknown): answer is Beat => typeof answer === 'object' && answer !== null && 'mark' in answer;
  const around = (store: Store): Store =>
    through(store, (_name, run) => {
      const answer = run();
      return isBeat(answer) ? { ...answer, unproved: silent } : answer;
    });
  const site = new Site({ around });
  const [id, other] = [await site.known('u1'), await site.known('u2')];
  assert.notEqual(partitionOf(id), partitionOf(other));
  silent = [partitionOf(id)];
  for (let i = 0; i < 5; i++) {
    site.get(other);
    await site.pass(250);
  }
  assert.ok(site.get(other));
  assert.equal(site.get(id), null);
  assert.ok((site.near.counts.provedAgo ?? 0) >= 1000);
  silent = [];
  await site.pass(300);
  assert.ok(site.get(id), 'it answers again, and nothing has changed');
});

test('what a transaction reads comes from the engine, and is not remembered', async () => {
  const site = new Site();
  const id = await site.known();
  const finds = site.between.count('find');
  // The memory store has no transactions: that it says so shows that it was asked.
  await assert.rejects(async () => site.near.store.find(id, {}), code('option_invalid'));
  assert.equal(site.between.count('find'), finds + 1);
  const { id: unread } = await created(site.engine, 'u2');
  site.between.answering('find', () => found(site.engine, unread));
  assert.equal((await site.near.store.find(unread, {}))?.id, unread);
  assert.equal(site.get(unread), null);
});

type Told = Parameters<Store['listen']>[0];

/** An engine whose changes are told by the test. */
function telling(stopped: () => void): { around(store: Store): Store; tell: Told } {
  const told: { heard: Told } = { heard: () => {} };
  const listen: Store['listen'] = (changed) => {
    told.heard = changed;
    return stopped;
  };
  return {
    around: (store) =>
      new Proxy(store, { get: (target, name) => (name === 'listen' ? listen : Reflect.get(target, name)) }),
    tell: (changes) => told.heard(changes),
  };
}

test('the lag of a change is that of what was remembered, not of what has been read since', async () => {
  const { around, tell } = telling(() => {});
  const site = new Site({ around });
  const id = await site.known();
  const at = site.clock.now();
  await site.far.update(id, 1, { data: '{"n":1}' }, writing());
  site.clock.advance(2);
  tell([{ id, at }]);
  assert.equal(site.near.counts.lag.count, 1);
  assert.equal(site.near.counts.lag.sum, 2);
  await site.pass(300);
  await site.near.store.find(id);
  assert.ok(site.get(id));
  // It is told once more, as by the beat after the announcement.
  tell([{ id, at }]);
  assert.equal(site.get(id), null);
  assert.equal(site.near.counts.lag.count, 1);
});

test('G7: what the engine says has changed is forgotten at once, without a beat', async () => {
  let stopped = false;
  const { around, tell } = telling(() => {
    stopped = true;
  });
  const site = new Site({ around });
  const [id, other] = [await site.known('u1'), await site.known('u2')];
  await site.far.end(id, ending);
  const beats = site.between.count('beat');
  tell([{ id, at: site.clock.now() }]);
  assert.equal(site.get(id), null);
  assert.ok(site.get(other));
  assert.equal(site.between.count('beat'), beats);
  await site.near.store.close();
  assert.ok(stopped);
});

test('G3: a read is not kept when its partition was lost meanwhile', async () => {
  const site = new Site();
  const { id } = await created(site.engine, 'u1');
  await site.prove(id);
  const arrive = await site.underWay(id);
  // More than the engine remembers: the beat cannot name what has changed.
  for (let version = 1; version <= 1100; version++) {
    await site.far.update(id, version, { data: `{"n":${version}}` }, writing());
  }
  await site.pass(300);
  assert.equal(site.near.counts.partitionsLost, 1);
  await arrive();
  assert.equal(site.get(id), null);
  assert.equal(site.near.counts.overtaken, 1);
});

test('what a sweep of this process ended is forgotten when it answers', async () => {
  const site = new Site();
  await site.known();
  site.between.failing = (name) => name === 'beat';
  site.clock.advance(41 * hour);
  assert.equal((await site.near.store.sweep(100)).expired.length, 1);
  assert.equal(site.near.counts.entries, 0);
});

test('G3: a session that this process adopted anew, or whose subject it let in again, is read anew', async () => {
  const writes: Readonly<Record<string, (store: Store, id: string) => Promise<unknown>>> = {
    adopt: async (store, id) => store.adopt([await found(store, id)], [], { operation: operation() }),
    enable: (store) => store.enable('u1', { operation: operation() }),
  };
  for (const [name, write] of Object.entries(writes)) {
    const site = new Site();
    const id = await site.known();
    await write(site.near.store, id);
    assert.equal(site.get(id), null, name);
  }
});

test('a beat that is answered after the close is not applied', async () => {
  const site = new Site();
  await site.known();
  const way = Promise.withResolvers<void>();
  site.between.before('beat', () => way.promise);
  await site.pass(250);
  const real = site.clock.now;
  Object.assign(site.engine, { now: () => real() + 5000 });
  site.between.keepOpen = true;
  await site.near.store.close();
  way.resolve();
  await settled();
  assert.deepEqual(site.skews, []);
});

test('what was served from memory and then read all the same is no hit', async () => {
  const site = new Site();
  const id = await site.known();
  const { hits } = site.near.counts;
  site.get(id);
  site.near.bypassed('verdict');
  assert.equal(site.near.counts.hits, hits);
  site.near.bypassed('fresh');
  assert.equal(site.near.counts.hits, hits, 'nothing was served there');
  assert.deepEqual(site.near.counts.bypasses, { unproved: 0, fresh: 1, verdict: 1 });
});
