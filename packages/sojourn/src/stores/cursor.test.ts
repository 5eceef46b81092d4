import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { code } from '../../test/lab.ts';
import { SojournError } from '../lifecycle/errors.ts';
import { partitions } from '../lifecycle/token.ts';
import { created } from './contract/subject.ts';
import { decodeCursor, encodeCursor, readCursor, shortMark } from './cursor.ts';
import { memory } from './memory.ts';

const epoch = 'AbC-_123';
/** Ten digits to the base of 36, more than any partition will ever count. */
const most = 36 ** 10 - 1;
const position = fc.oneof(fc.constant(0), fc.nat(), fc.nat({ max: most }));
const zero = Array<number>(partitions).fill(0);
/** A store that keeps everything and is far ahead of every cursor. */
const kept = { epoch, forgotten: zero, counters: Array<number>(partitions).fill(most) };

function decode(cursor: string): number[] {
  return decodeCursor(cursor, kept);
}

const positions = fc.array(position, { minLength: partitions, maxLength: partitions });

test('a cursor reads back as the positions it was made of', () => {
  fc.assert(
    fc.property(positions, (at) => {
      assert.deepEqual(decode(encodeCursor({ epoch, at })), at);
    }),
    { numRuns: 500 },
  );
});

test('a cursor goes into a header, an address or a cookie as it is', () => {
  fc.assert(
    fc.property(positions, (at) => {
      assert.match(encodeCursor({ epoch, at }), /^[\w.-]+$/);
    }),
    { numRuns: 200 },
  );
});

test('a cursor of another epoch is lost, and says where to begin (G11)', () => {
  const cursor = encodeCursor({ epoch, at: Array<number>(partitions).fill(3) });
  for (const other of ['', 'AbC-_124', `${epoch} `, 'abc-_123', 'AbC']) {
    assert.throws(() => decodeCursor(cursor, { ...kept, epoch: other }), code('cursor_lost'));
  }
  assert.throws(() => decode('x'), { status: 410, message: /Start from the beginning/ });
});

test('a cursor is good between what is forgotten and what there is, both inclusive (G11)', () => {
  const forgotten = Array<number>(partitions).fill(5);
  const counters = Array<number>(partitions).fill(9);
  const at = (position: number): number[] =>
    decodeCursor(encodeCursor({ epoch, at: [...forgotten.slice(1), position] }), { epoch, forgotten, counters });
  assert.deepEqual([at(5).at(-1), at(9).at(-1)], [5, 9]);
  assert.throws(() => at(4), /past their retention of 28 days/);
  assert.throws(() => at(10), /ahead of this store, which may be a backup/);
});

test('a cursor reads back with the marks that it was given, and without those that nobody knows (G11)', () => {
  const mark = fc.oneof(fc.constant(''), fc.stringMatching(/^[\w-]{8}$/).map(shortMark));
  fc.assert(
    fc.property(positions, fc.array(mark, { minLength: partitions, maxLength: partitions }), (at, marks) => {
      const cursor = encodeCursor({ epoch, at, marks });
      assert.match(cursor, /^[\w.-]+$/);
      assert.deepEqual(readCursor(cursor, epoch), { epoch, at, marks });
      assert.deepEqual(decode(cursor), at);
    }),
  );
  for (const part of ['5.', '5.abc', '5.abcde', '5.ab_d', '5.abcd.abcd']) {
    const cursor = `${epoch}.${[part, ...Array<string>(partitions - 1).fill('')].join('-')}`;
    assert.throws(() => decode(cursor), code('cursor_lost'), cursor);
  }
});

test('a cursor with too few, too many or impossible positions is lost', () => {
  const of = (parts: readonly string[]): string => `${epoch}.${parts.join('-')}`;
  const zeros = Array<string>(partitions).fill('');
  assert.deepEqual(decode(of(zeros)), Array<number>(partitions).fill(0));
  for (const cursor of [
    epoch,
    `${epoch}.`,
    of(zeros.slice(1)),
    of([...zeros, '']),
    of(['zzzzzzzzzzzzz', ...zeros.slice(1)]),
    of(['~', ...zeros.slice(1)]),
    of([' ', ...zeros.slice(1)]),
  ]) {
    assert.throws(() => decode(cursor), code('cursor_lost'), cursor);
  }
});

test('any text is a cursor of 64 whole positions or lost, and nothing else is ever thrown', () => {
  const letters = fc.constantFrom(...'0123456789abcz.-~ ');
  const nearly = fc.string({ unit: letters, maxLength: 200 }).map((text) => `${epoch}.${text}`);
  const parts = fc.array(fc.string({ unit: letters, maxLength: 3 }), { minLength: 60, maxLength: 66 });
  const whole = parts.map((all) => `${epoch}.${all.join('-')}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly, whole), (text) => {
      try {
        const at = decode(text);
        assert.equal(at.length, partitions);
        assert.ok(at.every((value) => Number.isSafeInteger(value) && value >= 0));
      } catch (error) {
        assert.ok(error instanceof SojournError && error.code === 'cursor_lost', String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('a cursor that was altered is lost, not read as far as it goes (G11)', () => {
  const zeros = Array<string>(partitions - 1).fill('');
  for (const cursor of [`${epoch}.${['5~', ...zeros].join('-')}`, `${epoch}.${['5', ...zeros].join('-')}.x`]) {
    assert.throws(() => decode(cursor), code('cursor_lost'), cursor);
  }
});

test('a store that is behind a cursor, as one restored from a backup, says so: never a silent gap (G11)', async () => {
  const store = memory();
  await created(store, 'u1');
  const cursor = await store.cursor();
  const ahead = cursor.replace(/-1/, '-2');
  assert.notEqual(ahead, cursor);
  assert.throws(() => store.events(ahead, 10), code('cursor_lost'));
});
