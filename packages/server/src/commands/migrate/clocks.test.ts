import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from 'sojourn/memory';
import { compareClocks } from './clocks.ts';

test('G6: between engines whose clocks differ nothing is moved, for times are kept as they are', () => {
  const at = (now: number): ReturnType<typeof memory> => memory({ now: () => now });
  compareClocks(at(10_000), at(12_000));
  assert.throws(() => compareClocks(at(10_000), at(17_000)), /differ by 7 s.*Set the clocks first/);
  assert.throws(() => compareClocks(at(17_000), at(10_000)), /differ by 7 s/);
});
