import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { Lab } from '../../test/lab.ts';
import { Notices } from './notices.ts';

interface Bench {
  readonly lab: Lab;
  readonly between: Between;
  readonly notices: Notices;
  readonly failures: unknown[];
  readonly id: string;
  /** What was recorded: session, code and count. */
  recorded(): Promise<unknown[]>;
}

async function bench(): Promise<Bench> {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { id } = await (await lab.signedIn()).signedIn();
  const failures: unknown[] = [];
  const notices = new Notices(lab.store, lab.clock, (error) => failures.push(error));
  const recorded = async (): Promise<unknown[]> =>
    (await lab.events())
      .filter(({ type }) => type === 'noticed')
      .map(({ sessionId, code, count }) => [sessionId, code, count]);
  return { lab, between, notices, failures, id, recorded };
}

test('the first of its kind is recorded soon, also while another waits for its minute', async () => {
  const { lab, notices, id, recorded } = await bench();
  const other = (await (await lab.signedIn('u2')).signedIn()).id;
  notices.add(id, 'secret_mismatch');
  lab.clock.advance('2s');
  await settled();
  notices.add(id, 'secret_mismatch');
  notices.add(other, 'secret_mismatch');
  lab.clock.advance(200);
  await settled();
  assert.deepEqual(await recorded(), [
    [id, 'secret_mismatch', 1],
    [other, 'secret_mismatch', 1],
  ]);
  lab.clock.advance('1m');
  await settled();
  assert.deepEqual((await recorded()).at(-1), [id, 'secret_mismatch', 1]);
});

test('however many sessions it is about, a few writes a minute', async () => {
  const { lab, between, notices, recorded } = await bench();
  const ids = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => (await (await lab.signedIn(`v${i}`)).signedIn()).id),
  );
  for (const id of ids) {
    notices.add(id, 'secret_mismatch');
    lab.clock.advance(200);
    await settled();
  }
  lab.clock.advance('1m');
  await settled();
  assert.equal((await recorded()).length, 300);
  assert.equal(between.count('note'), 5);
});

test('the first of its kind is recorded soon, with the count so far', async () => {
  const { lab, notices, id, recorded } = await bench();
  for (let i = 0; i < 3; i++) notices.add(id, 'secret_mismatch');
  lab.clock.advance(199);
  await settled();
  assert.deepEqual(await recorded(), []);
  lab.clock.advance(1);
  await settled();
  assert.deepEqual(await recorded(), [[id, 'secret_mismatch', 3]]);
});

test('a flood is one event a minute, and none of it is lost from the count (R-143, S-63)', async () => {
  const { lab, between, notices, id, recorded } = await bench();
  for (let second = 0; second < 150; second++) {
    for (let i = 0; i < 10; i++) notices.add(id, 'secret_mismatch');
    lab.clock.advance('1s');
    await settled();
  }
  await notices.flush(true);
  const counts = (await recorded()).flatMap((event) => (Array.isArray(event) ? [Number(event[2])] : []));
  assert.equal(counts.length, 4);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    1500,
  );
  assert.equal(between.count('note'), 4);
});

test('each session and each code is counted on its own', async () => {
  const { lab, notices, id, recorded } = await bench();
  const other = (await (await lab.signedIn('u2')).signedIn()).id;
  notices.add(id, 'secret_mismatch');
  notices.add(id, 'token_replaced');
  notices.add(other, 'secret_mismatch');
  notices.add(other, 'secret_mismatch');
  await notices.flush();
  assert.deepEqual(await recorded(), [
    [id, 'secret_mismatch', 1],
    [id, 'token_replaced', 1],
    [other, 'secret_mismatch', 2],
  ]);
});

test('after a quiet minute the next is recorded soon again', async () => {
  const { lab, notices, id, recorded } = await bench();
  notices.add(id, 'secret_mismatch');
  lab.clock.advance('200ms');
  await settled();
  lab.clock.advance('61s');
  await settled();
  notices.add(id, 'secret_mismatch');
  lab.clock.advance('200ms');
  await settled();
  assert.equal((await recorded()).length, 2);
});

test('within its minute it waits, unless everything is asked for', async () => {
  const { lab, notices, id, recorded } = await bench();
  notices.add(id, 'secret_mismatch');
  await notices.flush();
  lab.clock.advance('5s');
  notices.add(id, 'secret_mismatch');
  await notices.flush();
  assert.equal((await recorded()).length, 1);
  await notices.flush(true);
  assert.equal((await recorded()).length, 2);
  // What waits is written when its minute is over, without anything more happening.
  notices.add(id, 'secret_mismatch');
  await notices.flush();
  lab.clock.advance(59_999);
  await settled();
  assert.equal((await recorded()).length, 2);
  lab.clock.advance(1);
  await settled();
  assert.equal((await recorded()).length, 3);
});

test('nothing to record is no write, and a kind that was quiet is forgotten', async () => {
  const { lab, between, notices, id } = await bench();
  await notices.flush(true);
  assert.equal(between.count('note'), 0);
  notices.add(id, 'secret_mismatch');
  lab.clock.advance('1h');
  await settled();
  assert.equal(between.count('note'), 1);
});

test('what cannot be recorded is counted, told and not tried for ever (S-20)', async () => {
  const { lab, between, notices, failures, id, recorded } = await bench();
  between.failing = (name) => name === 'note';
  notices.add(id, 'secret_mismatch');
  lab.clock.advance('200ms');
  await settled();
  assert.equal(notices.dropped, 1);
  assert.equal(failures.length, 1);
  notices.add(id, 'token_replaced');
  await assert.rejects(notices.flush(true), /ECONNREFUSED/);
  assert.equal(notices.dropped, 2);
  between.failing = () => false;
  await notices.flush(true);
  assert.deepEqual(await recorded(), []);
});

test('ten thousand kinds at once are remembered, the next is dropped and counted', async () => {
  const { notices, id, recorded } = await bench();
  for (let i = 1; i < 10_000; i++) notices.add(`A${i}`, 'secret_mismatch');
  notices.add(id, 'secret_mismatch');
  assert.equal(notices.dropped, 0);
  notices.add(id, 'token_replaced');
  assert.equal(notices.dropped, 1);
  // One that is known goes on being counted.
  notices.add(id, 'secret_mismatch');
  assert.equal(notices.dropped, 1);
  await notices.flush(true);
  assert.deepEqual(await recorded(), [[id, 'secret_mismatch', 2]]);
});

test('offers are counted a session until its successor is seen', async () => {
  const { notices, id } = await bench();
  assert.deepEqual([notices.offered(id), notices.offered(id), notices.offered('Aother')], [1, 2, 1]);
  notices.seen(id);
  assert.deepEqual([notices.offered(id), notices.offered('Aother')], [1, 2]);
});

test('counts of offers are bounded: over ten thousand sessions counting begins anew', async () => {
  const { notices } = await bench();
  for (let i = 0; i < 10_000; i++) notices.offered(`A${i}`);
  assert.equal(notices.offered('A0'), 2);
  notices.offered('Aone too many');
  assert.equal(notices.offered('A0'), 1);
});
