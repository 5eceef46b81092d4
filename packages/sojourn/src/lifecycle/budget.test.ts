import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestClock } from '../testing/clock.ts';
import { AnonymousBudget, truncateAddress } from './budget.ts';

function budget(perMinute: number): { budget: AnonymousBudget; clock: TestClock } {
  const clock = new TestClock();
  return { budget: new AnonymousBudget(clock, perMinute), clock };
}

/** Whether two addresses draw on one budget. */
function shared(one: string, other: string): boolean {
  const { budget: of } = budget(1);
  return of.take(one) && !of.take(other);
}

test('an address has so many new visitors a minute and no more (R-042, S-15)', () => {
  const { budget: of, clock } = budget(3);
  for (let i = 0; i < 3; i++) assert.equal(of.take('192.0.2.1'), true);
  assert.equal(of.take('192.0.2.1'), false);
  assert.equal(of.take('192.0.2.1'), false);
  assert.equal(of.refused, 2);
  assert.equal(of.take('192.0.2.2'), true);
  clock.advance('59s');
  assert.equal(of.take('192.0.2.1'), false);
  clock.advance('1s');
  assert.equal(of.take('192.0.2.1'), true);
});

test('where the address is not known nobody is refused', () => {
  const { budget: of } = budget(1);
  for (let i = 0; i < 5; i++) assert.equal(of.take(null), true);
  assert.equal(of.refused, 0);
});

test('an IPv6 network of 64 bits is one address, however it is written', () => {
  const same = [
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::'],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002:0:0:0:9'],
    ['2001:db8::1', '2001:db8:0:0:1:2:3:4'],
    ['::1', '0:0:0:0:5::'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
  ] as const;
  for (const [one, other] of same) assert.equal(shared(one, other), true, `${one} ${other}`);
  const apart = [
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db9::1'],
    ['192.0.2.1', '192.0.2.2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ] as const;
  for (const [one, other] of apart) assert.equal(shared(one, other), false, `${one} ${other}`);
});

test('beyond a hundred thousand addresses in one minute all others share one budget', () => {
  const { budget: of } = budget(2);
  for (let i = 0; i < 100_000; i++) of.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  assert.equal(of.take('192.0.2.1'), true);
  assert.equal(of.take('192.0.2.2'), true);
  assert.equal(of.take('192.0.2.3'), false);
  // Those that were counted before keep their own.
  assert.equal(of.take('10.0.0.0'), true);
  assert.equal(of.take('10.0.0.0'), false);
});

test('the device list keeps /24 of IPv4 and /48 of IPv6', () => {
  const cases = {
    '192.0.2.77': '192.0.2.0/24',
    '::ffff:192.0.2.77': '192.0.2.0/24',
    '2001:db8:12:34::77': '2001:db8:12::/48',
    '2001:DB8:0012::77': '2001:db8:12::/48',
    '2001:db8::77': '2001:db8:0::/48',
    '::1': '0:0:0::/48',
    '::': '0:0:0::/48',
    'fe80::1%en0': 'fe80:0:0::/48',
  };
  for (const [address, kept] of Object.entries(cases)) assert.equal(truncateAddress(address), kept, address);
});

test('every IPv4 address is kept as its network of 24 bits and no more', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(truncateAddress(address), `${address.slice(0, address.lastIndexOf('.'))}.0/24`);
      assert.equal(truncateAddress(`::ffff:${address}`), truncateAddress(address));
    }),
    { numRuns: 300 },
  );
});

const group = fc.nat({ max: 0xffff }).map((value) => value.toString(16));

test('every IPv6 address is kept as its network of 48 bits, the same for every way to write it', () => {
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.nat({ max: 7 }),
      fc.nat({ max: 8 }),
      (groups, a, b) => {
        const from = Math.min(a, b);
        const to = Math.max(a, b);
        const zeroed = groups.map((value, i) => (i >= from && i < to ? '0' : value));
        const full = zeroed.join(':');
        const short = to > from ? `${zeroed.slice(0, from).join(':')}::${zeroed.slice(to).join(':')}` : full;
        const padded = zeroed.map((value) => value.padStart(4, '0').toUpperCase()).join(':');
        const kept = `${zeroed.slice(0, 3).join(':')}::/48`;
        assert.deepEqual([full, short, padded, `${full}%eth0`].map(truncateAddress), [kept, kept, kept, kept]);
        assert.equal(shared(full, short), true);
      },
    ),
    { numRuns: 500 },
  );
});

test('any text in place of an address is counted and kept without an error', () => {
  const letters = fc.constantFrom(...'0123456789abcf:.%[]/ \n');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: letters }), fc.ipV6()), (text) => {
      assert.equal(typeof truncateAddress(text), 'string');
      assert.equal(shared(text, text), true);
    }),
    { numRuns: 2000 },
  );
});
