import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { code } from '../../test/lab.ts';
import { type Duration, milliseconds, spell } from './duration.ts';
import { SojournError } from './errors.ts';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

test('a duration is whole milliseconds or a number with its unit', () => {
  const cases: readonly (readonly [Duration, number])[] = [
    [0, 0],
    [1500, 1500],
    ['500ms', 500],
    ['20s', 20_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['1.5h', 5_400_000],
    ['0.5s', 500],
  ];
  for (const [given, expected] of cases) assert.equal(milliseconds(given, 'x'), expected, String(given));
});

test('every whole number of every unit counts', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
      assert.equal(milliseconds(`${count}${unit}`, 'x'), count * units[unit]);
    }),
    { numRuns: 500 },
  );
});

test('anything else is refused, naming the option and the way to write it', () => {
  const texts = [
    '',
    '30',
    '30 m',
    ' 30m',
    '30m ',
    '30M',
    '-5s',
    '+5s',
    '1e3s',
    '.5s',
    '5.s',
    '1,5s',
    '30min',
    'm',
    '∞s',
  ];
  const numbers = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];
  const others: readonly unknown[] = [null, true, {}, [], ['30m'], { valueOf: () => 5 }];
  for (const given of [...texts, ...numbers, ...others]) {
    // As JavaScript would call it.
    const call = (): unknown => Reflect.apply(milliseconds, null, [given, 'policy.grace']);
    assert.throws(call, code('option_invalid'), String(given));
    assert.throws(call, /^SojournError: policy\.grace: .*Use .*'30m'/s);
  }
});

test('fractions that are no whole millisecond and spans beyond counting are refused', () => {
  for (const given of ['0.5ms', '0.0001s', '999999999999d'] as const) {
    assert.throws(() => milliseconds(given, 'x'), code('option_invalid'));
  }
});

test('any text is a whole span or refused, never NaN, never negative', () => {
  const nearly = fc.string({ unit: fc.constantFrom(...'0123456789.-+e msmhd\n') });
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly, fc.double(), fc.integer()), (given) => {
      try {
        const span: unknown = Reflect.apply(milliseconds, null, [given, 'x']);
        assert.ok(typeof span === 'number' && Number.isSafeInteger(span) && span >= 0);
      } catch (error) {
        assert.ok(error instanceof SojournError && error.code === 'option_invalid');
      }
    }),
    { numRuns: 3000 },
  );
});

test('a decimal that is a whole number of milliseconds is that number', () => {
  assert.equal(milliseconds('1.1h', 'x'), 3_960_000);
  assert.equal(milliseconds('1.005s', 'x'), 1005);
  assert.equal(milliseconds('0.07d', 'x'), 6_048_000);
});

test('a span is spelled in the largest unit that divides it', () => {
  const cases = { 0: '0 ms', 999: '999 ms', 1000: '1 s', 90000: '90 s', 1800000: '30 min', 5400000: '90 min' };
  for (const [span, text] of Object.entries(cases)) assert.equal(spell(Number(span)), text);
  assert.equal(spell(86_400_000), '1 d');
  assert.equal(spell(43_200_000), '12 h');
});

test('a spelled span says exactly what it was', () => {
  const sizes: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000 }), fc.constantFrom(1, 1000, 60_000), (count, size) => {
      const [number = '', unit = ''] = spell(count * size).split(' ');
      assert.equal(Number(number) * (sizes[unit] ?? Number.NaN), count * size);
    }),
    { numRuns: 500 },
  );
});
