import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { code } from '../../test/lab.ts';
import { isToken } from '../lifecycle/token.ts';
import { clearCookie, clearStrays, makeCookie, readCookie, setCookie } from './cookie.ts';

const name = '__Host-sojourn';
const good = `A${'b'.repeat(22)}.${'c'.repeat(43)}`;
const evil = `B${'e'.repeat(22)}.${'f'.repeat(43)}`;

/** The tokens that a header brings, in the order that they would be looked up in. */
function tokensIn(header: string): string[] {
  return readCookie(header, name).filter(isToken);
}

test('the value of the cookie is found wherever it stands among others', () => {
  const cases = {
    [`${name}=${good}`]: [good],
    [`a=1; ${name}=${good}`]: [good],
    [`${name}=${good}; z=1`]: [good],
    [`a=1;${name}=${good};z=1`]: [good],
    [`a=1;  \t ${name}=${good}`]: [good],
    [`${name}=`]: [''],
    [`${name}=a=b=c`]: ['a=b=c'],
    'a=1; b=2': [],
    '': [],
  };
  for (const [header, values] of Object.entries(cases)) assert.deepEqual(readCookie(header, name), values, header);
  assert.deepEqual(readCookie(undefined, name), []);
});

test('a name that is not ours byte for byte is another cookie (S-05, R-187, R-200)', () => {
  const forms = {
    'nameless with our name as its value': `=${name}=${evil}`,
    'two equals signs before': `==${name}=${evil}`,
    'percent-encoded': `%5F%5FHost-sojourn=${evil}`,
    'dots before': `..Host-sojourn=${evil}`,
    'en quad before': `\u2000${name}=${evil}`,
    'en quad as the bytes a server sees': `\u00e2\u0080\u0080${name}=${evil}`,
    'next line before': `\u0085${name}=${evil}`,
    'no-break space before': `\u00a0${name}=${evil}`,
    'byte order mark before': `\ufeff${name}=${evil}`,
    'vertical tab before': `\v${name}=${evil}`,
    'form feed before': `\f${name}=${evil}`,
    'NUL before': `\0${name}=${evil}`,
    'line feed before': `\n${name}=${evil}`,
    'upper case': `__HOST-sojourn=${evil}`,
    'lower case': `__host-sojourn=${evil}`,
    'space before the equals sign': `${name} =${evil}`,
    'tab before the equals sign': `${name}\t=${evil}`,
    'longer at the end': `${name}2=${evil}`,
    'longer at the start': `x${name}=${evil}`,
    'a comma for a semicolon': `a=1, ${name}=${evil}`,
    'in quotes': `"${name}"=${evil}`,
    'without a value': name,
    'a path as of RFC 2109': `$Version=1, ${name}=${evil}; $Path=/`,
  };
  for (const [form, header] of Object.entries(forms)) {
    assert.deepEqual(tokensIn(header), [], form);
    assert.deepEqual(tokensIn(`${header}; ${name}=${good}`), [good], `${form}, beside ours`);
    assert.deepEqual(tokensIn(`${name}=${good}; ${header}`), [good], `ours, beside ${form}`);
  }
});

test('a value is taken as it came: not trimmed, unquoted or decoded (S-05, S-30, R-200)', () => {
  const forms = [`"${evil}"`, `${evil} `, ` ${evil}`, evil.replace('.', '%2E'), `${evil}\t`, `${evil},`, `${evil}\0`];
  for (const value of forms) {
    assert.deepEqual(readCookie(`${name}=${value}`, name), [value]);
    assert.deepEqual(tokensIn(`${name}=${value}; a=1`), [], JSON.stringify(value));
  }
  // $Version means nothing, so what follows it is read as by any other reader.
  assert.deepEqual(tokensIn(`$Version=1; ${name}=${good}; $Path=/`), [good]);
  // A quotation mark joins nothing: no cookie can swallow another.
  assert.deepEqual(readCookie(`a="; ${name}=${good}; b="`, name), [good]);
});

test('of several cookies of the name each value is told, once, in order (S-04, S-29, R-189)', () => {
  assert.deepEqual(readCookie(`${name}=${evil}; ${name}=${good}`, name), [evil, good]);
  assert.deepEqual(readCookie(`${name}=${good}; ${name}=${evil}`, name), [good, evil]);
  assert.deepEqual(readCookie(`${name}=; ${name}=${good}`, name), ['', good]);
  assert.deepEqual(readCookie(`${name}=junk; ${name}=${good}; ${name}=junk`, name), ['junk', good]);
  assert.deepEqual(readCookie(`${name}=${good}; a=1; ${name}=${good}`, name), [good]);
});

test('a header as long as servers take is read to its end, whatever it repeats (S-32, R-193)', () => {
  const long = [
    'a=1; '.repeat(7000),
    `; ${name}`.repeat(2200),
    `=${name}`.repeat(2200),
    Array.from({ length: 1500 }, (_, i) => `${name}=${i}`).join('; '),
    ' '.repeat(34_000),
  ];
  for (const padding of long) assert.deepEqual(tokensIn(`${padding}; ${name}=${good}`), [good]);
  assert.equal(readCookie(long[3], name).length, 1500);
});

/** What the reader must agree with: pairs at semicolons, spaces and tabs before a pair ignored, the first `=` splits. */
function plainly(header: string, wanted: string): string[] {
  const values = header
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+/, ''))
    .filter((pair) => pair.startsWith(`${wanted}=`))
    .map((pair) => pair.slice(wanted.length + 1));
  return [...new Set(values)];
}

const piece = fc.constantFrom(
  name,
  'sojourn',
  '__Host-',
  'a',
  '=',
  ';',
  '; ',
  ' ',
  '\t',
  '"',
  '\0',
  '\u00a0',
  '%',
  good,
);
const header = fc.oneof(
  fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  fc.string(),
  fc.string({ unit: 'binary' }),
);

test('any header at all is read as its pairs are, and never a name that is not ours (S-05, S-30)', () => {
  fc.assert(
    fc.property(header, fc.constantFrom(name, 'sojourn', 'a', 'aa'), (text, wanted) => {
      assert.deepEqual(readCookie(text, wanted), plainly(text, wanted));
    }),
    { numRuns: 5000 },
  );
});

test('what is set is what is read back', () => {
  const cookie = makeCookie({}, true, '443');
  const [pair = ''] = setCookie(cookie, good, null).split(';');
  assert.deepEqual(readCookie(pair, cookie.name), [good]);
});

test('a cookie is closed to scripts, other sites, other hosts and plain http, and goes with the browser (R-022, R-107)', () => {
  const cookie = makeCookie({}, true, '443');
  assert.equal(setCookie(cookie, good, null), `${name}=${good}; Path=/; HttpOnly; Secure; SameSite=Lax`);
  assert.equal(
    clearCookie(cookie),
    `${name}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`,
  );
  const local = makeCookie({}, false, '3000');
  assert.equal(setCookie(local, good, null), `sojourn-3000=${good}; Path=/; HttpOnly; SameSite=Lax`);
  assert.ok(setCookie(cookie, good, null).length < 4096);
});

test('Max-Age is whole seconds, at most 400 days, never less than none (R-094)', () => {
  const cookie = makeCookie({}, true, '443');
  const ageOf = (maxAge: number): string | undefined => /; Max-Age=(.*)$/.exec(setCookie(cookie, good, maxAge))?.[1];
  assert.deepEqual([ageOf(60), ageOf(59.2), ageOf(-5), ageOf(0), ageOf(1e9)], ['60', '60', '0', '0', '34560000']);
});

test('options that cannot be secure together are refused with the fix (G16)', () => {
  const made = (options: object, secure: boolean): unknown => Reflect.apply(makeCookie, null, [options, secure, '1']);
  assert.equal(makeCookie({ name: 'id', sameSite: 'strict' }, true, '1').attributes.endsWith('SameSite=Strict'), true);
  assert.equal(makeCookie({ sameSite: 'none' }, true, '1').attributes.endsWith('; Secure; SameSite=None'), true);
  assert.throws(() => made({ name: '__Host-id' }, false), /cookie\.name __Host-id: set an https origin/);
  assert.throws(() => made({ name: '__secure-id' }, false), /set an https origin/);
  assert.throws(() => made({ sameSite: 'none' }, false), /cookie\.sameSite none: set an https origin/);
  assert.throws(() => made({ sameSite: 'Lax' }, true), /"Lax": use lax, strict, none/);
  for (const bad of ['', 'a b', 'a;b', 'a=b', 'a\r\nSet-Cookie: x', 'é', '"a"', 'a,b', 'a/b']) {
    assert.throws(() => made({ name: bad }, true), code('option_invalid'), bad);
  }
});

test('cookies that others set under the name are removed for every path and domain above, ours stays (R-196)', () => {
  const cookie = makeCookie({}, true, '443');
  const head = `${name}=; HttpOnly; Secure; SameSite=Lax`;
  const gone = '; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT';
  assert.deepEqual(clearStrays(cookie, '/shop/cart', 'www.shop.test'), [
    `${head}; Path=/shop${gone}`,
    `${head}; Path=/shop/${gone}`,
    `${head}; Path=/shop/cart${gone}`,
    `${head}; Path=/shop/cart/${gone}`,
    `${head}; Path=/; Domain=www.shop.test${gone}`,
    `${head}; Path=/; Domain=shop.test${gone}`,
  ]);
  assert.deepEqual(clearStrays(cookie, '/', 'localhost'), [`${head}; Path=/; Domain=localhost${gone}`]);
  const deep = clearStrays(cookie, '/a/b/c/d/e/f/g/h', 'a.b.c.d.e.f.g.h.test');
  assert.equal(deep.filter((stray) => stray.includes('Domain=')).length, 5);
  assert.deepEqual([deep.length, deep[11]?.includes('Path=/a/b/c/d/e/f/;')], [17, true]);
  for (const host of ['127.0.0.1', '[::1]', 'a;b.test', ''])
    assert.deepEqual(clearStrays(cookie, '/', host).slice(1), []);
  assert.deepEqual(clearStrays(cookie, '/', '127.0.0.1'), []);
});

test('nothing that a path or a host holds gets into a header, and the list stays short (S-30, R-038)', () => {
  const cookie = makeCookie({}, true, '443');
  const part = fc.oneof(fc.string(), fc.constantFrom('a', '$&', '\r\nX: 1', ';', 'é', '%0d%0a', '\0', 'b c'));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(part, { maxLength: 12 }), (paths, labels) => {
      const strays = clearStrays(cookie, `/${paths.join('/')}`, labels.join('.'));
      assert.ok(strays.length <= 18);
      for (const stray of strays) {
        assert.match(stray, /^[\x20-\x7e]+$/);
        assert.equal(stray.match(/; (Path|HttpOnly|Secure|SameSite|Max-Age|Expires)/g)?.length, 6, stray);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a path with a dollar sign is removed as it is', () => {
  const [first] = clearStrays(makeCookie({}, true, '443'), '/$&', 'shop.test');
  assert.match(first ?? '', /; Path=\/\$&; Max-Age=0;/);
});

test('hosts whose name begins with a digit have parents too (R-189)', () => {
  const strays = clearStrays(makeCookie({}, true, '443'), '/', 'www.1and1.test');
  assert.equal(strays.length, 2);
  assert.equal(clearStrays(makeCookie({}, true, '443'), '/', '1and1.test').length, 1);
});
