import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Throttle } from './throttle.ts';

const second = 1000;
const minute = 60 * second;
let now: number;
let throttle: Throttle;

beforeEach(() => {
  now = 1_000_000;
  throttle = new Throttle(() => now);
});

function fail(times: number, name = 'ada', address = 'here'): void {
  for (let i = 0; i < times; i++) {
    const wait = throttle.attempt(name, address);
    now += wait;
    if (wait > 0) assert.equal(throttle.attempt(name, address), 0, 'after the wait it may');
  }
}

test('five mistakes cost nothing, then the wait doubles up to a quarter of an hour', () => {
  fail(5);
  const waits = Array.from({ length: 12 }, () => {
    const wait = throttle.attempt('ada', 'here');
    now += wait;
    throttle.attempt('ada', 'here');
    return wait / second;
  });
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
});

test('attempts sent at once do not all pass', () => {
  const passed = Array.from({ length: 50 }, () => throttle.attempt('ada', 'here')).filter((wait) => wait === 0);
  assert.equal(passed.length, 5);
});

test('a name that exists and one that does not wait the same; case makes no other name', () => {
  fail(7, 'ada');
  const known = throttle.attempt('ADA', 'here');
  fail(7, 'nobody');
  assert.equal(throttle.attempt('nobody', 'here'), known);
});

test('one address is held up over all names, and other addresses are not', () => {
  for (let i = 0; i < 100; i++) assert.equal(throttle.attempt(`name-${i}`, 'here'), 0);
  assert.equal(throttle.attempt('another', 'here'), 15 * minute);
  assert.equal(throttle.attempt('another', 'there'), 0);
  now += 15 * minute;
  assert.equal(throttle.attempt('another', 'here'), 0);
});

test('right passwords count for nothing, however many people share an address', () => {
  for (let i = 0; i < 500; i++) {
    assert.equal(throttle.attempt(`name-${i}`, 'office'), 0);
    throttle.succeeded(`name-${i}`, 'office');
  }
});

test('one account is held up over all addresses, but not where its owner signed in before', () => {
  throttle.attempt('ada', 'home');
  throttle.succeeded('ada', 'home');
  for (let i = 0; i < 100; i++) assert.equal(throttle.attempt('ada', `botnet-${i}`), 0);
  assert.equal(throttle.attempt('ada', 'botnet-100'), 15 * minute);
  assert.equal(throttle.attempt('ada', 'home'), 0);
  assert.equal(throttle.attempt('ben', 'botnet-100'), 0);
});

test('an hour without a mistake, and all is forgotten', () => {
  fail(9);
  now += 60 * minute;
  assert.equal(throttle.attempt('ada', 'here'), 0);
  fail(4);
});

test('a name of any length takes as much room as another', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const held = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = held();
  for (let i = 0; i < 500; i++) {
    const name = `${i}`.padEnd(60_000, 'x');
    throttle.attempt(name, `address-${i}`);
    if (i % 2 === 0) throttle.succeeded(name, `address-${i}`);
  }
  const grown = held() - before;
  assert.ok(grown < 2_000_000, `${grown} bytes for 500 names`);
});
