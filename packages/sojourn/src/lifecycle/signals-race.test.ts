import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { Lab } from '../../test/lab.ts';
import { another, reasonOf, waiting } from '../../test/waiting.ts';

test('writes while one reading runs are read in the next, however many they were', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const first = await waiting(lab);
  const second = await (await lab.signedIn('u2')).signedIn();
  const { signal } = second;
  await settled();
  const other = another(lab);
  between.before('events', async () => {
    await other.sessions.terminate(second.id);
  });
  await other.sessions.terminate(first.id);
  await settled();
  assert.deepEqual([reasonOf(first.signal), reasonOf(signal)], ['revoked', 'revoked']);
});

test('an end is heard whenever it is written, also in the moment in which a reading ends (G12)', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const lab = new Lab();
    const { signal, id } = await waiting(lab);
    // Something else is written, which wakes the reading; the end, so many microtasks later.
    const first = lab.store.note([]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const ended = lab.store.end(id, { reason: 'revoked', by: 'root', operation: 'elsewhere' });
    await Promise.all([first, ended]);
    await settled();
    assert.equal(reasonOf(signal), 'revoked', `after ${turns} microtasks`);
  }
});

test('who begins to wait while the last reading for another ends is looked at too (G6, G12)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const first = await waiting(lab);
  const second = await (await lab.signedIn('u2')).signedIn();
  await settled();
  let release = (): void => {};
  between.before(
    'events',
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  await lab.signedIn('u3');
  await settled();
  await lab.sessions.terminate(first.id);
  const { signal } = second;
  release();
  await settled();
  lab.clock.advance('30m');
  await settled();
  assert.equal(reasonOf(signal), 'session_expired_idle');
});
