import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { code, Lab } from '../../test/lab.ts';
import { networked, Site } from '../../test/near.ts';
import { memory } from '../stores/memory.ts';

/* A primary that was cut off answers reads as if nothing had happened: what it says must be proved, too. */

test('G7: an engine that takes no beats any more is not believed that a session lives', async () => {
  const site = new Site();
  const id = await site.known();
  site.between.failing = (name) => name === 'beat';
  await site.pass(900);
  assert.ok(await site.near.store.find(id), 'within the bound');
  await site.pass(100);
  await assert.rejects(async () => site.near.store.find(id), code('store_unavailable'));
  site.between.failing = () => false;
  assert.ok(await site.near.store.find(id), 'and again as soon as it takes one');
});

test('G7: what has ended, or is not there, needs no proof', async () => {
  const site = new Site();
  const id = await site.known();
  await site.far.end(id, { reason: 'signed_out', by: 'u1', operation: 'o1' });
  site.between.failing = (name) => name === 'beat';
  await site.pass(2000);
  assert.equal((await site.near.store.find(id))?.ending?.reason, 'signed_out');
  assert.equal(await site.near.store.find('Aunknown'), null);
});

test('G7: a read that takes longer than the bound is proved after it', async () => {
  const site = new Site();
  const id = await site.known();
  const arrive = await site.underWay(id);
  site.between.failing = (name) => name === 'beat';
  await site.pass(1100);
  await assert.rejects(arrive(), code('store_unavailable'));
});

test('the first who asks after a while waits for a beat beside the read, and for one only', async () => {
  const site = new Site();
  const id = await site.known();
  await site.pass(60_000);
  const beats = site.between.count('beat');
  const [first, second] = await Promise.all([site.near.store.find(id), site.near.store.find(id)]);
  assert.ok(first && second);
  assert.equal(site.between.count('beat'), beats + 1);
});

test('a beat that was sent too long ago when it is answered is followed by another', async () => {
  const site = new Site();
  const id = await site.known();
  const answer = Promise.withResolvers<void>();
  site.between.before('beat', () => answer.promise);
  await site.pass(1500);
  const reading = site.near.store.find(id);
  await settled();
  answer.resolve();
  assert.ok(await reading);
});

test('G8: a look-up that no beat proves is refused within the deadline', async () => {
  const site = new Site();
  const id = await site.known();
  site.between.hanging = (name) => name === 'beat';
  await site.pass(1500);
  const refused = assert.rejects(async () => site.near.store.find(id), code('store_unavailable'));
  await site.pass(2000);
  await refused;
});

for (const cache of [{}, false] as const) {
  test(`G7: a cut-off primary signs nobody in by what it remembers, with cache: ${JSON.stringify(cache)}`, async () => {
    const between = new Between();
    const lab = new Lab({ cache, around: (store) => networked(between.around(store)) });
    const browser = await lab.signedIn();
    assert.equal((await browser.visit()).state, 'signed-in');
    // It still answers reads, and takes no writes.
    between.failing = (name) => name !== 'find';
    lab.clock.advance(1001);
    await settled();
    for (const fresh of [false, true]) {
      await assert.rejects(async () => lab.sessions.track(browser.token, { fresh }), code('store_unavailable'));
    }
    between.failing = () => false;
    assert.equal((await browser.visit()).state, 'signed-in');
    await lab.sessions.close();
  });
}

test('without the cache the proof is counted too; where no read needs one there is nothing to count', async () => {
  const between = new Between();
  const lab = new Lab({ engine: (now) => networked(memory({ now })), around: between.around, cache: false });
  const browser = await lab.signedIn();
  await browser.signedIn();
  const { cache, proof } = lab.sessions.counts;
  assert.equal(cache, null);
  assert.ok(proof !== null && proof.beats > 0);
  assert.equal(proof.beats, between.count('beat'));
  assert.deepEqual([proof.beatsFailed, proof.bound, proof.provedAgo], [0, 1000, 0]);
  assert.equal(new Lab({ cache: false }).sessions.counts.proof, null);
});
