import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressOn } from './progress.ts';
import { Tally } from './tally.ts';

/** What is written while two batches a second are moved for ten seconds. */
function written(isTTY: boolean): string[] {
  const lines: string[] = [];
  let now = 0;
  const { show, done } = progressOn({ isTTY, write: (text) => lines.push(text) }, () => now);
  const tally = new Tally();
  for (now = 500; now <= 10_000; now += 500) {
    tally.looked += 1000;
    tally.moved += 900;
    show(tally, now < 5000 ? '4-' : 'z-');
  }
  show(tally, null);
  now += 5000;
  show(tally, null);
  done();
  return lines;
}

test('on a terminal one line is updated, and goes at the end', () => {
  const lines = written(true);
  assert.equal(lines.length, 23);
  assert.equal(lines[0], '\r\u001b[2K7 % · 1,000 sessions looked at, 900 written');
  assert.ok(lines.every((line) => line.startsWith('\r\u001b[2K') && !line.includes('\n')));
  assert.equal(lines.at(-1), '\r\u001b[2K');
});

test('elsewhere there is a line every five seconds', () => {
  assert.deepEqual(written(false), [
    '98 % · 10,000 sessions looked at, 9,000 written\n',
    '98 % · 20,000 sessions looked at, 18,000 written\n',
    '20,000 sessions looked at, 18,000 written, 0 records of subjects\n',
  ]);
});
