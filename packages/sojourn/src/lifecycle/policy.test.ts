import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { code } from '../../test/lab.ts';
import { SojournError } from './errors.ts';
import { knownKeys } from './options.ts';
import { checkPolicy, type KindOptions, type PolicyOptions, policyNames } from './policy.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A policy as JavaScript or a configuration file would give it. */
function untyped(given: unknown): unknown {
  return Reflect.apply(checkPolicy, null, [given]);
}

test('the defaults are the ones the documentation names', () => {
  const { kinds, ...policy } = checkPolicy();
  assert.deepEqual(policy, {
    name: 'default',
    grace: 30_000,
    limit: 1000,
    onLimit: 'end-oldest',
    onReuse: 'terminate',
    anonymous: 'lazy',
    mostAnonymous: 100_000,
    anonymousPerMinute: 60,
    dataBytes: 16_384,
    anonymousDataBytes: 4096,
    pendingFor: 10 * minute,
    impersonateFor: hour,
    handover: {},
    formToken: 'off',
  });
  const never = Number.POSITIVE_INFINITY;
  assert.deepEqual(
    { ...kinds },
    {
      anonymous: {
        idle: 30 * minute,
        absolute: 2 * hour,
        rotateEvery: never,
        rotateAfterAway: never,
        touchInterval: minute,
        persistent: false,
      },
      standard: {
        idle: 30 * minute,
        absolute: 12 * hour,
        rotateEvery: hour,
        rotateAfterAway: never,
        touchInterval: minute,
        persistent: false,
      },
      remembered: {
        idle: 7 * day,
        absolute: 30 * day,
        rotateEvery: hour,
        rotateAfterAway: 30 * minute,
        touchInterval: minute,
        persistent: true,
      },
    },
  );
});

test('the policies of SP 800-63B-4 have its limits and ask for a form token (R-105, R-110, R-111, R-112)', () => {
  const limits = policyNames.slice(1).map((name) => {
    const { kinds, formToken, name: own } = checkPolicy(name);
    const { standard, remembered } = kinds;
    return [own, formToken, standard?.idle, standard?.absolute, remembered?.absolute, remembered?.persistent];
  });
  assert.deepEqual(limits, [
    ['nist-63b4-aal1', 'required', 30 * day, 30 * day, 30 * day, true],
    ['nist-63b4-aal2', 'required', hour, day, day, false],
    ['nist-63b4-aal3', 'required', 15 * minute, 12 * hour, 12 * hour, false],
  ]);
});

test('a policy that extends another keeps what it does not name, and says that it differs', () => {
  const policy = checkPolicy({
    extends: 'nist-63b4-aal2',
    grace: '5s',
    kinds: { standard: { idle: '20m' }, kiosk: {} },
  });
  assert.equal(policy.name, 'nist-63b4-aal2, changed');
  assert.equal(policy.grace, 5000);
  assert.equal(policy.kinds['standard']?.idle, 20 * minute);
  assert.equal(policy.kinds['standard']?.absolute, day);
  assert.equal(policy.kinds['remembered']?.idle, hour);
  assert.equal(policy.kinds['kiosk']?.absolute, 12 * hour);
  assert.equal(checkPolicy({ extends: 'nist-63b4-aal3' }).name, 'nist-63b4-aal3');
  assert.equal(checkPolicy({ dataBytes: 2, anonymousDataBytes: 2 }).name, 'default, changed');
  assert.equal(checkPolicy({ limit: 1 }).name, 'default, changed');
  assert.equal(checkPolicy({ kinds: { kiosk: {} } }).name, 'default, changed');
});

test('an unknown option is refused with the names that are known (G16)', () => {
  assert.throws(() => untyped({ gracePeriod: '5s' }), /policy\.gracePeriod is no option: use grace, limit,/);
  assert.throws(
    () => untyped({ kinds: { standard: { timeout: 5 } } }),
    /policy\.kinds\.standard\.timeout is no option/,
  );
  assert.throws(() => untyped('strict'), /policy "strict": use default, nist-63b4-aal1/);
  assert.throws(() => untyped({ extends: 'constructor' }), code('option_invalid'));
  assert.throws(() => knownKeys('cookie', { domain: 'x' }, ['name']), /cookie\.domain is no option: use name\./);
});

test('a value that is none of those allowed is refused with those that are (G16)', () => {
  const cases: Readonly<Record<string, unknown>> = {
    onLimit: 'evict',
    onReuse: 'ignore',
    anonymous: true,
    formToken: 'on',
    limit: 0,
    mostAnonymous: 1.5,
    anonymousPerMinute: '60',
    dataBytes: 1,
    anonymousDataBytes: -1,
    grace: 'soon',
    pendingFor: null,
    impersonateFor: {},
    handover: { cart: 'copy' },
  };
  for (const [option, value] of Object.entries(cases)) {
    assert.throws(() => untyped({ [option]: value }), code('option_invalid'), option);
    assert.throws(() => untyped({ [option]: value }), new RegExp(`policy\\.${option}`));
  }
});

test('no limit of sessions must be spelled out (R-002)', () => {
  assert.equal(checkPolicy({ limit: 'none' }).limit, Number.POSITIVE_INFINITY);
  assert.throws(() => checkPolicy({ limit: Number.POSITIVE_INFINITY }), code('option_invalid'));
});

test('a handover names keys with a rule or a function', () => {
  const join = (visitors: unknown): unknown => visitors;
  const { handover } = checkPolicy({ handover: { cart: 'merge', theme: 'keep', next: 'drop', note: join } });
  assert.deepEqual(handover, { cart: 'merge', theme: 'keep', next: 'drop', note: join });
});

test('an idle limit over the absolute one is refused; the default gives way to it', () => {
  const asked = { idle: '2h', absolute: '1h' } as const;
  assert.throws(
    () => checkPolicy({ kinds: { standard: asked } }),
    /policy\.kinds\.standard\.idle: 2 h is over absolute, 1 h\. Shorten idle/,
  );
  const { standard } = checkPolicy({ kinds: { standard: { absolute: '10m' } } }).kinds;
  assert.equal(standard?.idle, 10 * minute);
});

test('an idle limit under two touch intervals is refused, at two it holds (R-008)', () => {
  const kinds = (touchInterval: KindOptions['touchInterval']): PolicyOptions => ({
    kinds: { standard: { idle: '2m', ...(touchInterval === undefined ? {} : { touchInterval }) } },
  });
  assert.equal(checkPolicy(kinds('1m')).kinds['standard']?.touchInterval, minute);
  assert.throws(() => checkPolicy(kinds(minute + 1)), /is under 2 touch intervals .*Lengthen idle/);
  assert.throws(() => checkPolicy(kinds(0)), code('option_invalid'));
});

test('the touch interval is a thirtieth of the idle limit, at most a minute, at least a millisecond', () => {
  const intervalOf = (idle: KindOptions['idle']): number | undefined =>
    checkPolicy({ kinds: { standard: { ...(idle === undefined ? {} : { idle }) } } }).kinds['standard']?.touchInterval;
  assert.equal(intervalOf('5m'), 10_000);
  assert.equal(intervalOf('12h'), minute);
  assert.equal(intervalOf(2), 1);
  assert.throws(() => intervalOf(1), code('option_invalid'));
});

const duration = fc.oneof(fc.nat({ max: 2 * day }), fc.constantFrom('5s', '20m', '2h', '3d', 'never', '1y', -1));
const kind = fc.record(
  { idle: duration, absolute: duration, rotateEvery: duration, rotateAfterAway: duration, touchInterval: duration },
  { requiredKeys: [] },
);
const options = fc.record(
  {
    extends: fc.constantFrom(...policyNames),
    kinds: fc.dictionary(fc.constantFrom('anonymous', 'standard', 'remembered', 'kiosk'), kind),
    grace: duration,
    limit: fc.oneof(fc.integer(), fc.constant('none')),
    dataBytes: fc.integer(),
    pendingFor: duration,
  },
  { requiredKeys: [] },
);

test('any options are a whole policy or refused: none ends a session in use or lives for ever', () => {
  let whole = 0;
  fc.assert(
    fc.property(options, (given) => {
      let policy: ReturnType<typeof checkPolicy>;
      try {
        policy = Reflect.apply(checkPolicy, null, [given]);
      } catch (error) {
        assert.ok(error instanceof SojournError && error.code === 'option_invalid');
        return;
      }
      whole += 1;
      for (const { idle, absolute, touchInterval } of Object.values(policy.kinds)) {
        assert.ok(Number.isSafeInteger(absolute) && Number.isSafeInteger(idle) && idle <= absolute);
        assert.ok(touchInterval >= 1 && 2 * touchInterval <= idle);
      }
      assert.ok(policy.limit >= 1 && policy.dataBytes >= 2 && Number.isSafeInteger(policy.grace));
      for (const name of ['anonymous', 'standard', 'remembered']) assert.ok(policy.kinds[name]);
    }),
    { numRuns: 2000 },
  );
  assert.ok(whole > 0);
});

test('a kind of signed-in sessions that never rotates is refused', () => {
  assert.throws(() => checkPolicy({ kinds: { standard: { rotateEvery: 'never' } } }), code('option_invalid'));
});

test('a span of nothing that makes a step impossible is refused (G16)', () => {
  assert.throws(() => checkPolicy({ pendingFor: 0 }), code('option_invalid'));
  assert.throws(() => checkPolicy({ impersonateFor: 0 }), code('option_invalid'));
});

test('a grace that outlasts a rotation is refused: the secret before it would never go (G13, G16)', () => {
  const shorter = /policy\.grace: 1.h is not under policy\.kinds\.standard\.rotateEvery, 1.h\. Shorten grace\./;
  assert.throws(() => checkPolicy({ grace: '1h' }), { code: 'option_invalid', message: shorter });
  assert.throws(() => checkPolicy({ kinds: { kiosk: { rotateEvery: '30s' } } }), code('option_invalid'));
  assert.equal(checkPolicy({ grace: '3599s' }).grace, 3_599_000);
});

test('a sign-in waits for its second factor no longer than a visitor’s session lasts (G16)', () => {
  assert.throws(() => checkPolicy({ pendingFor: '3h' }), code('option_invalid'));
  const shorter = { anonymous: { absolute: '5m' } } as const;
  assert.throws(() => checkPolicy({ pendingFor: '6m', kinds: shorter }), code('option_invalid'));
  // The default gives way.
  assert.equal(checkPolicy({ kinds: shorter }).pendingFor, 5 * minute);
});

test('persistent is true or false and no text (G16)', () => {
  assert.throws(() => untyped({ kinds: { standard: { persistent: 'no' } } }), code('option_invalid'));
});

test('a shorter absolute limit also makes the idle limit of a named policy give way', () => {
  const { standard } = checkPolicy({ extends: 'nist-63b4-aal3', kinds: { standard: { absolute: '10m' } } }).kinds;
  assert.equal(standard?.idle, 10 * minute);
});
