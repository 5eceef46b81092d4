import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isToken } from '../lifecycle/token.ts';
import { challenge, readBearer } from './bearer.ts';

const token = `A${'b'.repeat(22)}.${'c'.repeat(43)}`;

test('a bearer is read after its scheme, whatever the case of that (RFC 6750 §2.1)', () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) assert.equal(readBearer(`${scheme} ${token}`), token);
});

test('other schemes and no scheme bring nothing (S-03, R-124)', () => {
  for (const header of [
    undefined,
    '',
    token,
    `Basic ${token}`,
    `Bearer${token}`,
    `Bearer\t${token}`,
    ` Bearer ${token}`,
  ]) {
    assert.equal(readBearer(header), null, header);
  }
});

test('what follows is taken as it came, so only an exact token is one (S-03)', () => {
  for (const rest of ['', ` ${token}`, `${token} `, `${token}, Basic x`, `"${token}"`]) {
    const value = readBearer(`Bearer ${rest}`);
    assert.equal(value, rest);
    assert.equal(isToken(value ?? ''), false);
  }
});

test('any header is a bearer’s credentials or none', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `Bearer ${text}`),
      ),
      (header) => {
        const value = readBearer(header);
        assert.equal(value, header.toLowerCase().startsWith('bearer ') ? header.slice(7) : null);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a challenge names the error and, for a fresh proof, the age asked for in whole seconds (RFC 9470)', () => {
  assert.equal(challenge(null), 'Bearer');
  assert.equal(challenge('invalid_token'), 'Bearer error="invalid_token"');
  const step = 'insufficient_user_authentication';
  assert.equal(challenge(step, 600_000), `Bearer error="${step}", max_age="600"`);
  assert.equal(challenge(step, 1999), `Bearer error="${step}", max_age="1"`);
  assert.equal(challenge(step, 0), `Bearer error="${step}", max_age="0"`);
  assert.equal(challenge(step, Number.POSITIVE_INFINITY), `Bearer error="${step}"`);
});
