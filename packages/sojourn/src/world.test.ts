import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock, systemHash, systemRandom } from './world.ts';

test('a digest is SHA-256 as base64url (FIPS 180-4)', () => {
  assert.equal(systemHash.digest(''), '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU');
  assert.equal(systemHash.digest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((given) => Buffer.from(given).toString('base64url'));

test('what is sealed under a secret opens with that secret and that label only (G1, S-49)', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.nat(), (key, other, value, generation) => {
      const sealed = systemHash.seal(key, `successor A ${generation}`, value);
      assert.equal(systemHash.seal(key, `successor A ${generation}`, sealed), value);
      assert.notEqual(sealed, value);
      if (other !== key) assert.notEqual(systemHash.seal(other, `successor A ${generation}`, sealed), value);
      assert.notEqual(systemHash.seal(key, `successor A ${generation + 1}`, sealed), value);
    }),
    { numRuns: 200 },
  );
});

test('a value is sealed by HMAC-SHA-256 of its label (RFC 4231, test case 2)', () => {
  const zeros = Buffer.alloc(32).toString('base64url');
  assert.equal(
    Buffer.from(systemHash.seal('Jefe', 'what do ya want for nothing?', zeros), 'base64url').toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('random text has the bytes that were asked for and never comes twice', () => {
  for (const size of [1, 9, 16, 32]) assert.equal(Buffer.from(systemRandom.text(size), 'base64url').length, size);
  const drawn = Array.from({ length: 1000 }, () => systemRandom.text(16));
  assert.equal(new Set(drawn).size, 1000);
});

test('a timer calls back once, at its time, and can be cancelled', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  const call = (): void => {
    calls += 1;
  };
  systemClock.after(1000, call);
  const cancel = systemClock.after(500, () => assert.fail('it was cancelled'));
  cancel();
  t.mock.timers.tick(999);
  assert.equal(calls, 0);
  t.mock.timers.tick(1);
  assert.equal(calls, 1);
  t.mock.timers.tick(1_000_000);
  assert.equal(calls, 1);
});

test('time is the machine’s', () => {
  const before = Date.now();
  const now = systemClock.now();
  assert.ok(before <= now && now <= Date.now());
});

test('a timer never keeps a process alive', () => {
  const before = process.getActiveResourcesInfo();
  const cancel = systemClock.after(86_400_000, () => assert.fail('a day has passed'));
  assert.deepEqual(process.getActiveResourcesInfo(), before);
  cancel();
});

test('a wait longer than a timer can be is cut to the longest, or it would end at once', (t) => {
  const delays: unknown[] = [];
  const real = globalThis.setTimeout;
  t.mock.method(globalThis, 'setTimeout', (run: () => void, delay: number) => {
    delays.push(delay);
    return real(run, delay);
  });
  const cancels = [40 * 86_400_000, 1000].map((delay) => systemClock.after(delay, () => assert.fail('too early')));
  for (const cancel of cancels) cancel();
  assert.deepEqual(delays, [2 ** 31 - 1, 1000]);
});
