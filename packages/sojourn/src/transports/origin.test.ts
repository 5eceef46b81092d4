import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { code } from '../../test/lab.ts';
import { checkSite, evidenceOf, isLoopback, isSafe, originRefusal } from './origin.ts';

const own = 'https://app.test';

test('an origin is scheme, host and port as a browser writes them, and nothing more (G16)', () => {
  assert.deepEqual(checkSite(own, []), { origin: own, secure: true, trusted: [] });
  assert.equal(checkSite('https://app.test:8443', []).origin, 'https://app.test:8443');
  for (const text of [
    '',
    'app.test',
    'https://app.test/',
    'https://app.test/login',
    'https://APP.test',
    'https://app.test:443',
    'https://user@app.test',
    'https://app.test?x',
    'ftp://app.test',
    'file:///app',
    'null',
    'https://',
    'https://a b',
  ]) {
    assert.throws(() => checkSite(text, []), code('option_invalid'), text);
    assert.throws(() => checkSite(own, [text]), /trustedOrigins .*: write it as https?:\/\//);
  }
});

test('what is wrong with an origin is said with the origin to write (G16)', () => {
  for (const text of ['https://APP.test', 'https://app.test:443', 'https://app.test/login', 'https://user@app.test']) {
    assert.throws(() => checkSite(text, []), { message: `origin "${text}": write it as https://app.test.` });
  }
  for (const text of ['app.test', 'ftp://app.test', 'null']) {
    assert.throws(() => checkSite(text, []), /: write it as https:\/\/example\.com, without a path\.$/);
  }
  for (const text of ['http://APP.test', 'http://app.test/login', 'http://app.test:80']) {
    assert.throws(() => checkSite(text, []), { message: `origin "${text}": use https, or a loopback host.` });
    assert.throws(() => checkSite(own, [text]), { message: `trustedOrigins "${text}": write it as http://app.test.` });
  }
});

test('plain http is for this machine only (G16, R-072)', () => {
  for (const host of ['localhost', 'localhost:3000', '127.0.0.1', '127.8.9.1:80', '[::1]:3000', 'shop.localhost']) {
    const { origin } = new URL(`http://${host}`);
    assert.deepEqual(checkSite(origin, []), { origin, secure: false, trusted: [] });
  }
  assert.throws(() => checkSite('http://app.test', []), /use https, or a loopback host/);
  // Another origin that may post here need not be https, but must be an origin.
  assert.deepEqual(checkSite(undefined, ['http://old.test']), {
    origin: null,
    secure: false,
    trusted: ['http://old.test'],
  });
});

test('a name that only looks like this machine is not (S-33)', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'a.localhost',
    'A.B.LOCALHOST',
    '127.0.0.1',
    '127.255.255.254',
    '[::1]',
  ]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of [
    '',
    'localhost.evil.test',
    'notlocalhost',
    'localhost.',
    '127.0.0.1.evil.test',
    '1127.0.0.1',
    '127.0.0',
    '127.0.0.1234',
    '128.0.0.1',
    '0.0.0.0',
    '192.168.0.1',
    '::1',
    '[::2]',
    '[::ffff:127.0.0.1]',
  ]) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('Sec-Fetch-Site decides where it says what the specification knows, else Origin (S-27, R-152, R-153, R-159)', () => {
  const sites = { 'same-origin': 'same', none: 'same', 'same-site': 'foreign', 'cross-site': 'foreign' } as const;
  for (const [site, evidence] of Object.entries(sites)) {
    for (const origin of [undefined, own, 'https://evil.test', 'null']) {
      assert.equal(evidenceOf(own, [], origin, site), evidence, `${site} ${origin}`);
    }
  }
  for (const site of [undefined, '', 'foo', 'Same-Origin', 'same-origin ', 'same-origin, cross-site']) {
    assert.equal(evidenceOf(own, [], own, site), 'same');
    assert.equal(evidenceOf(own, [], 'https://evil.test', site), 'foreign');
    assert.equal(evidenceOf(own, [], undefined, site), 'unknown');
  }
});

test('origins are compared whole (R-154)', () => {
  for (const origin of [
    'https://app.test.evil.test',
    'https://evilapp.test',
    'http://app.test',
    'https://app.test:8443',
    'https://www.app.test',
    'https://app.test/',
    'https://APP.TEST',
    'null',
    '',
    'app.test',
  ]) {
    assert.equal(evidenceOf(own, [], origin, undefined), 'foreign', origin);
  }
});

test('a trusted origin may act although it is another site; others that look like it may not', () => {
  const trusted = ['https://pay.test'];
  assert.equal(evidenceOf(own, trusted, 'https://pay.test', 'cross-site'), 'same');
  assert.equal(evidenceOf(own, trusted, 'https://pay.test', undefined), 'same');
  assert.equal(evidenceOf(own, trusted, 'https://pay.test.evil.test', 'cross-site'), 'foreign');
  assert.equal(evidenceOf(own, trusted, undefined, 'cross-site'), 'foreign');
});

test('no pair of headers but the right ones proves anything (S-27)', () => {
  const text = fc.option(fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom(own, 'null')), { nil: undefined });
  fc.assert(
    fc.property(text, text, (origin, site) => {
      const same = evidenceOf(own, ['https://pay.test'], origin, site) === 'same';
      const known = ['same-origin', 'none', 'same-site', 'cross-site'].includes(site ?? '');
      const byOrigin = origin === 'https://pay.test' || (origin === own && !known);
      assert.equal(same, byOrigin || site === 'same-origin' || site === 'none');
    }),
    { numRuns: 2000 },
  );
});

test('what shows nothing may act only where it carries nothing, and is told what to send', () => {
  assert.equal(originRefusal('same', true), null);
  assert.equal(originRefusal('unknown', false), null);
  for (const credentialed of [true, false]) {
    assert.match(originRefusal('foreign', credentialed)?.message ?? '', /another site: add it to trustedOrigins/);
  }
  const refusal = originRefusal('unknown', true);
  assert.deepEqual([refusal?.code, refusal?.status], ['cross_site', 403]);
  assert.match(refusal?.message ?? '', /send Sec-Fetch-Site or Origin\./);
});

test('safe are the four methods of RFC 9110 and no other, in their one spelling (R-034)', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) assert.equal(isSafe(method), true);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'get', 'GET ', 'QUERY', '']) {
    assert.equal(isSafe(method), false, method);
  }
});
