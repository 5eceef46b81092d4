import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { localPath, refererPath, withReturn } from './return-path.ts';

const site = 'https://app.test';

/** Where a browser on the site would go, to be on the same site or not at all. */
function landsOn(path: string): string {
  return new URL(path, `${site}/login?x=1`).origin;
}

test('a path of this site is kept with its query, and without its fragment', () => {
  const cases = {
    '/': '/',
    '/orders?page=2&sort=a': '/orders?page=2&sort=a',
    '/a/../b': '/b',
    '/a#part': '/a',
    '/a%20b': '/a%20b',
    '/?return=https://evil.test': '/?return=https://evil.test',
    '/@evil.test': '/@evil.test',
    '/https://evil.test': '/https://evil.test',
    '/a//b': '/a//b',
    '/javascript:alert(1)': '/javascript:alert(1)',
  };
  for (const [given, kept] of Object.entries(cases)) assert.equal(localPath(given), kept, given);
});

test('whatever could lead elsewhere or into a header is no path (S-58, R-037, R-038, S-30)', () => {
  for (const given of [
    null,
    undefined,
    '',
    'orders',
    '?page=2',
    '#a',
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    '/a\\..\\..\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '\t//evil.test',
    ' /orders',
    '/ orders',
    '/a/..//evil.test',
    '/.//evil.test',
    '/%2e//evil.test',
    '/a/%2E%2E//evil.test',
    '/..//..//evil.test',
    'https://app.test/orders',
    'https:evil.test',
    'https:/evil.test',
    'javascript:alert(1)',
    'data:text/html,x',
    '/a\r\nSet-Cookie: a=b',
    '/a\0',
    '/é',
    '/\u2028',
    `/${'a'.repeat(2048)}`,
  ]) {
    assert.equal(localPath(given), null, JSON.stringify(given));
  }
  assert.notEqual(localPath(`/${'a'.repeat(2047)}`), null);
});

const piece = fc.constantFrom(
  '/',
  '//',
  '\\',
  '.',
  '..',
  '%2e',
  '%2f',
  '%5c',
  '?',
  '#',
  '@',
  ':',
  'a',
  'evil.test',
  ' ',
  '\t',
  '\n',
  'https:',
  'é',
);
const hostile = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

test('any text is no path or one that stays on this site, twice read the same (R-037)', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string(), fc.webUrl(), fc.string({ unit: 'binary' })), (text) => {
      const path = localPath(text);
      if (path === null) return;
      assert.equal(landsOn(path), site);
      assert.match(path, /^\/(?!\/)[\x21-\x7e]*$/);
      assert.equal(localPath(path), path);
      // Also where it is put behind an origin as text.
      assert.equal(new URL(site + path).origin, site);
    }),
    { numRuns: 5000 },
  );
});

test('the way back stands in the sign-in address, encoded, and is left out where it is the start', () => {
  assert.equal(withReturn('/login', '/orders?page=2&x=#'), '/login?return=%2Forders%3Fpage%3D2%26x%3D%23');
  assert.equal(withReturn('/login?hl=de', '/orders'), '/login?hl=de&return=%2Forders');
  assert.equal(withReturn('/login', '/'), '/login');
  assert.equal(withReturn('/login', null), '/login');
});

test('what was put there comes back as it was', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const path = localPath(text);
      if (path === null || path === '/') return;
      const back = new URL(withReturn('/login', path), site).searchParams.get('return');
      assert.equal(localPath(back), path);
    }),
    { numRuns: 1000 },
  );
});

test('a post returns to the page it came from, if that is of the same origin', () => {
  assert.equal(refererPath('https://app.test/cart?x=1#a', site), '/cart?x=1');
  for (const referer of [
    undefined,
    '',
    'no address',
    '/cart',
    'https://evil.test/cart',
    'http://app.test/cart',
    'https://app.test:8443/cart',
    'https://app.test.evil.test/',
    'https://app.test//evil.test',
    'about:blank',
  ]) {
    assert.equal(refererPath(referer, site), null, referer);
  }
  // A page without an origin is never of the same one.
  assert.equal(refererPath('about:blank', 'null'), null);
});
