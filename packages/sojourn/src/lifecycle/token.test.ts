import assert from 'node:assert/strict';
import { hash as sha256 } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { seededRandom } from '../testing/random.ts';
import type { Hash } from './ports.ts';
import { isToken, newId, partitionOf, partitions, sameDigest, splitToken, Token } from './token.ts';

const hash: Hash = { digest: (text) => sha256('sha256', text, 'base64url'), seal: (_key, _label, value) => value };
const id = `A${'b'.repeat(22)}`;
const secret = 'c'.repeat(43);

test('a token reads back as the two halves it was made of', () => {
  fc.assert(
    fc.property(fc.nat(), fc.option(fc.string({ minLength: 1 })), (seed, subject) => {
      const random = seededRandom(seed);
      const half = { id: newId(random, hash, subject), secret: random.text(32) };
      const text = new Token(half.id, half.secret).reveal();
      assert.ok(isToken(text));
      assert.deepEqual(splitToken(text), { text, ...half });
      assert.equal(text.length, 67);
    }),
    { numRuns: 300 },
  );
});

test('any text is a token of exactly its shape or none (R-130, S-30)', () => {
  const letters = fc.constantFrom(...'ABCxyz019-_.+/= \n\0\u00a0é');
  const nearly = fc.string({ unit: letters, minLength: 60, maxLength: 70 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly, fc.string({ unit: 'binary', maxLength: 9000 })), (text) => {
      assert.equal(isToken(text), /^[\w-]{23}\.[\w-]{43}$/.test(text) && !text.includes('\n'));
      const halves = splitToken(text);
      if (halves) assert.equal(`${halves.id}.${halves.secret}`, text);
      else assert.ok(!isToken(text));
    }),
    { numRuns: 2000 },
  );
});

test('nothing is trimmed, decoded, padded or cut off (R-130, R-200)', () => {
  const token = `${id}.${secret}`;
  assert.ok(isToken(token));
  const forms = {
    empty: '',
    'one short': token.slice(0, -1),
    'one over': `${token}c`,
    'space before': ` ${token}`,
    'space after': `${token} `,
    'line feed after': `${token}\n`,
    'NUL after': `${token}\0`,
    quoted: `"${token}"`,
    'percent-encoded dot': token.replace('.', '%2E'),
    'no dot': `${id}c${secret}`,
    'dot in the id': `A.${'b'.repeat(21)}.${secret}`,
    'dot in the secret': `${id}.${'c'.repeat(42)}.`,
    'base64 plus': `${id}.+${'c'.repeat(42)}`,
    'base64 slash': `${id}./${'c'.repeat(42)}`,
    padding: `${id}.${'c'.repeat(42)}=`,
    'letter of two units': `${id}.${'c'.repeat(41)}😀`,
    'letter beyond ASCII': `${id}.${'c'.repeat(42)}é`,
    'line feed in the id': `A${'b'.repeat(21)}\n.${secret}`,
    query: `' OR 1=1; --${token.slice(12)}`,
    'eight thousand characters': 'A'.repeat(8192),
  };
  for (const [form, text] of Object.entries(forms)) assert.ok(!isToken(text), form);
});

test('no conversion of a token shows it (G15)', () => {
  const token = new Token(id, secret);
  const shown = [`${token}`, String(token), JSON.stringify({ token }), inspect(token, { showHidden: true, depth: 9 })];
  for (const text of shown) {
    assert.match(text, /\[token\]/);
    assert.ok(!text.includes(secret) && !text.includes(id));
  }
  assert.deepEqual(Object.keys(token), []);
});

test('all sessions of a subject lie in one partition, the first 6 bits of SHA-256', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), (subject, seed) => {
      const partition = partitionOf(newId(seededRandom(seed), hash, subject));
      assert.equal(partition, (Buffer.from(hash.digest(subject), 'base64url')[0] ?? 0) >> 2);
    }),
    { numRuns: 300 },
  );
});

test('visitors spread over all 64 partitions', () => {
  const random = seededRandom(1);
  const seen = new Set(Array.from({ length: 3000 }, () => partitionOf(newId(random, hash, null))));
  assert.equal(seen.size, partitions);
  assert.equal(Math.min(...seen), 0);
  assert.equal(Math.max(...seen), 63);
});

test('two ids of one subject differ', () => {
  const random = seededRandom(1);
  assert.notEqual(newId(random, hash, 'u1'), newId(random, hash, 'u1'));
});

test('digests are the same only when every character is', () => {
  const digest = hash.digest('secret');
  assert.equal(sameDigest(digest, `${digest}`), true);
  for (let i = 0; i < digest.length; i++) {
    const other = digest.slice(0, i) + (digest[i] === 'A' ? 'B' : 'A') + digest.slice(i + 1);
    assert.equal(sameDigest(digest, other), false, `character ${i}`);
  }
  assert.equal(sameDigest(digest, digest.slice(0, -1)), false);
  assert.equal(sameDigest(digest.slice(0, -1), digest), false);
  assert.equal(sameDigest(digest, ''), false);
});
