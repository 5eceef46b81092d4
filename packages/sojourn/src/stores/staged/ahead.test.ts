import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aheadBy } from './ahead.ts';

test('what is known of the engine’s clock stands as long as it can be true, however long an answer took', () => {
  const received = Date.now();
  const asked = (took: number, now: number): number => aheadBy(0, now, received - took);
  // Six seconds on the way, there or back: the clocks may well agree.
  assert.equal(asked(6000, received - 6000), 0);
  assert.equal(asked(6000, received), 0);
  assert.equal(asked(6000, received - 3000), 0);
});

test('what is no time is unknown, and never remembered', () => {
  assert.throws(() => aheadBy(0, Number.NaN, Date.now()), { code: 'store_unavailable' });
});

test('a clock that is elsewhere for certain is followed as far as is certain', () => {
  const received = Date.now();
  assert.equal(aheadBy(0, received + 5000 - 100, received - 100) >= 4900 - 50, true);
  assert.equal(aheadBy(0, received - 5000, received - 100), -4900);
});
