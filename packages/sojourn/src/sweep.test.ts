import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Between, settled } from '../test/between.ts';
import { Lab } from '../test/lab.ts';
import { temporary } from '../test/temporary.ts';
import { SojournError } from './lifecycle/errors.ts';
import { sqlite } from './stores/sqlite/sqlite.ts';

test('the sweep runs by itself, about once a minute, lap after lap until nothing is left', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, sweepEvery: '1m' });
  const sweeps = (): number => between.count('sweep');
  for (let i = 0; i < 600; i++) await lab.signedIn(`u${i}`);
  lab.clock.advance(44_999);
  await settled();
  assert.equal(sweeps(), 0);
  lab.clock.advance(30_001);
  await settled();
  assert.equal(sweeps(), 1);
  lab.clock.advance('30m');
  for (let turn = 0; turn < 5; turn++) await settled();
  assert.equal((await lab.events()).filter(({ type }) => type === 'expired').length, 600);
  await lab.sessions.close();
  const laps = sweeps();
  lab.clock.advance('1h');
  await settled();
  assert.equal(sweeps(), laps);
});

test('a sweep that fails is told to the log and tried again at the next turn', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, sweepEvery: '1m' });
  await lab.signedIn();
  between.failing = (name) => name === 'sweep';
  lab.clock.advance('75s');
  await settled();
  const [entry] = lab.log;
  assert.deepEqual([entry?.level, entry?.code], ['error', 'store_unavailable']);
  between.failing = () => false;
  lab.clock.advance('31m');
  await settled();
  assert.equal((await lab.events()).at(-1)?.type, 'expired');
});

test('closing while a sweep runs lets its lap end and starts no other', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, sweepEvery: '1m' });
  for (let i = 0; i < 600; i++) await lab.signedIn(`u${i}`);
  lab.clock.advance('29m');
  await settled();
  const before = between.count('sweep');
  between.keepOpen = true;
  between.before('sweep', () => lab.sessions.close());
  lab.clock.advance('2m');
  for (let turn = 0; turn < 5; turn++) await settled();
  lab.clock.advance('1h');
  for (let turn = 0; turn < 5; turn++) await settled();
  assert.equal(between.count('sweep'), before + 1);
  assert.deepEqual(lab.log, []);
});

test('closing stops the next sweep', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, sweepEvery: '1m' });
  between.keepOpen = true;
  await lab.sessions.close();
  lab.clock.advance('1h');
  await settled();
  assert.equal(between.count('sweep'), 0);
});

test('a lap asked for by hand is bounded, and says whether another would find more', async () => {
  const lab = new Lab();
  for (let i = 0; i < 210; i++) await lab.signedIn(`u${i}`);
  lab.clock.advance('30m');
  assert.deepEqual(await lab.sessions.sweep(), { expired: 200, removed: 0, more: true });
  assert.deepEqual(await lab.sessions.sweep(), { expired: 10, removed: 0, more: false });
});

test('where another process sweeps this one does not', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, sweepEvery: 'never' });
  await lab.signedIn();
  lab.clock.advance('1d');
  await settled();
  assert.equal(between.count('sweep'), 0);
});

test('a record that cannot be swept is told to the log, by its id', async () => {
  const path = temporary('sessions.db');
  const lab = new Lab({ engine: (now) => sqlite(path, { now }) });
  const { id } = await (await lab.signedIn()).signedIn();
  new DatabaseSync(path).exec('UPDATE sessions SET format = 2');
  lab.clock.advance('1h');
  await lab.sessions.sweep();
  assert.deepEqual(
    lab.log.map(({ code, error }) => [code, error instanceof SojournError && error.sessionId]),
    [['store_unavailable', id]],
  );
});
