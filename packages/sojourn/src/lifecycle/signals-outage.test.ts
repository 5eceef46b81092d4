import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { Lab } from '../../test/lab.ts';
import { another, reasonOf, waiting } from '../../test/waiting.ts';

test('a store that fails while something waits is told to the log, and the next change is heard', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { signal, id } = await waiting(lab);
  between.failing = (name) => name === 'events';
  await lab.signedIn('u2');
  await settled();
  assert.deepEqual([...new Set(lab.log.map(({ code }) => code))], ['store_unavailable']);
  between.failing = () => false;
  await another(lab).sessions.terminate(id);
  await settled();
  assert.equal(reasonOf(signal), 'revoked');
});

test('a store that fails when the waiting begins is told to the log', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const session = await (await lab.signedIn()).signedIn();
  between.failing = (name) => name === 'cursor';
  assert.equal(session.signal.aborted, false);
  await settled();
  assert.deepEqual(
    lab.log.map(({ code }) => code),
    ['store_unavailable'],
  );
});

test('after closing nothing aborts, nothing is read any more, and what was under way troubles nobody', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { signal } = await waiting(lab);
  const late = (await (await lab.signedIn('u2')).signedIn()).signal;
  await lab.sessions.close();
  await settled();
  assert.deepEqual([between.watching, late.aborted, lab.log], [0, false, []]);
  const calls = between.calls.length;
  lab.clock.advance('13h');
  await settled();
  assert.equal(signal.aborted, false);
  assert.equal(between.calls.length, calls);
});

test('a store that was down at the limit does not keep a connection open for ever (G6, G12)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { signal } = await waiting(lab);
  between.failing = () => true;
  lab.clock.advance('30m');
  await settled();
  between.failing = () => false;
  for (let i = 0; i < 10; i++) {
    lab.clock.advance('1m');
    await settled();
  }
  assert.equal(reasonOf(signal), 'session_expired_idle');
});

test('a store that was down when the waiting began does not keep a connection open for ever (G6, G12)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const session = await (await lab.signedIn()).signedIn();
  between.failing = (name) => name === 'cursor';
  const { signal } = session;
  await settled();
  between.failing = () => false;
  lab.clock.advance('30m');
  await settled();
  lab.clock.advance('1m');
  await settled();
  assert.equal(reasonOf(signal), 'session_expired_idle');
});
