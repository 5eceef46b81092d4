import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beatOf, type Change, type ChangesSince } from './changes.ts';

const every = Array.from({ length: 64 }, (_, partition) => partition);

/** The first partition with this log, and the others empty. */
function logs(first: ChangesSince | null): (ChangesSince | null)[] {
  return every.map((partition) => (partition === 0 ? first : { counter: 0, changes: [] }));
}

/** The changes with these numbers, written by `mark`, each of a session of its own. */
function changes(mark: string, ...numbers: number[]): Change[] {
  return numbers.map((number) => ({ number, mark, at: 1000 + number, id: `A${number}` }));
}

const known = beatOf('e', null, logs({ counter: 5, changes: changes('m', 5) })).mark;

test('without a mark, or with one of another engine, nothing is known of any partition', () => {
  assert.deepEqual(beatOf('e', null, logs({ counter: 5, changes: [] })).lost, every);
  assert.deepEqual(beatOf('f', known, logs({ counter: 5, changes: changes('m', 5) })).lost, every);
});

test('where nothing has changed nothing is told', () => {
  const beat = beatOf('e', known, logs({ counter: 5, changes: changes('m', 5) }));
  assert.deepEqual(beat, { mark: known, changed: [], lost: [], unproved: [] });
});

test('what has changed is told in its order, with its time; numbers about no session are not', () => {
  const log = [...changes('m', 5), ...changes('n', 6), { number: 7, mark: 'n', at: 0, id: '' }, ...changes('o', 8)];
  const beat = beatOf('e', known, logs({ counter: 8, changes: log }));
  assert.deepEqual(
    beat.changed.map(({ id, at }) => [id, at]),
    [
      ['A6', 1006],
      ['A8', 1008],
    ],
  );
  assert.deepEqual(beat.lost, []);
  assert.deepEqual(beatOf('e', beat.mark, logs({ counter: 8, changes: changes('o', 8) })).lost, []);
});

test('G7: a gap loses the partition', () => {
  for (const numbers of [[5, 7, 8], [5, 6, 7], [8], []]) {
    assert.deepEqual(beatOf('e', known, logs({ counter: 8, changes: changes('m', ...numbers) })).lost, [0]);
  }
});

test('G7: a primary that lost the last writes and has counted on loses the partition', () => {
  const back = { counter: 4, changes: changes('m', 4) };
  const level = { counter: 5, changes: changes('other', 5) };
  const ahead = { counter: 7, changes: changes('other', 5, 6, 7) };
  for (const log of [back, level, ahead]) assert.deepEqual(beatOf('e', known, logs(log)).lost, [0]);
});

test('a ring that is gone loses the partition once, and what comes after is followed again', () => {
  const empty = beatOf('e', known, logs({ counter: 5, changes: [] }));
  assert.deepEqual(empty.lost, [0]);
  const next = beatOf('e', empty.mark, logs({ counter: 6, changes: changes('n', 6) }));
  assert.deepEqual([next.lost, next.changed.map(({ id }) => id)], [[], ['A6']]);
});

test('of a primary that did not answer nothing is proved, and it is followed from where it was', () => {
  const silent = beatOf('e', known, logs(null));
  assert.deepEqual([silent.unproved, silent.lost, silent.mark], [[0], [], known]);
  const next = beatOf('e', silent.mark, logs({ counter: 6, changes: [...changes('m', 5), ...changes('n', 6)] }));
  assert.deepEqual([next.lost, next.changed.map(({ id }) => id)], [[], ['A6']]);
  const first = beatOf('e', null, logs(null));
  assert.deepEqual(beatOf('e', first.mark, logs({ counter: 300, changes: [] })).lost, [0]);
});
