import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Script } from 'node:vm';
import { openSite, type Site } from '../../test/site.ts';
import { assetNames } from './assets.ts';

let site: Site;

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('what is not there: a page for people, a problem for programs', async () => {
  const visitor = site.visitor();
  const page = await visitor.get('/nowhere');
  assert.equal(page.status, 404);
  assert.match(page.text, /<h1>Page not found<\/h1>/);
  assert.match(page.text, /href="\/assets\/pages\.css"/);
  const answer = await visitor.json('/nowhere');
  assert.equal(answer.status, 404);
  assert.equal(answer.json['code'], 'not_found');
});

test('a refusal by the library is a page of this server, with its code and what to do', async () => {
  const visitor = await site.signedIn();
  const foreign = await visitor.post('/life/sign-out', {}, { headers: { 'sec-fetch-site': 'cross-site' } });
  assert.equal(foreign.status, 403);
  assert.match(foreign.text, /<h1>This request came from another site<\/h1>/);
  assert.match(foreign.text, /<code>cross_site<\/code>/);
  assert.match(foreign.text, /href="\/assets\/pages\.css"/);
  assert.equal(foreign.headers.get('cache-control'), 'no-store');
  assert.equal(foreign.headers.get('content-length'), String(Buffer.byteLength(foreign.text)));
});

test('too much, and nonsense, are refused without a word about the inside', async () => {
  const visitor = await site.signedIn();
  const large = await visitor.post('/login', { username: 'x'.repeat(70_000) });
  assert.equal(large.status, 413);
  assert.match(large.text, /larger than this server takes/);
  const nonsense = await visitor.send('POST', '/life/rotate', {
    json: {},
    headers: { 'content-type': 'application/x-unknown' },
  });
  assert.equal(nonsense.status, 415);
  assert.doesNotMatch(nonsense.text, /FST_|node_modules/);
});

test('an address that cannot be read is refused like anything else: page or problem, with the headers of every answer', async () => {
  const visitor = await site.signedIn();
  const unreadable = [
    ['GET', '/%', 400],
    ['GET', '/%ff', 400],
    ['POST', '/account/sessions/%ff/terminate', 400],
    ['POST', `/account/sessions/${'x'.repeat(5000)}/terminate`, 414],
  ] as const;
  const always = (await visitor.get('/nowhere')).headers;
  for (const [method, path, status] of unreadable) {
    const page = await visitor.send(method, path, {});
    assert.equal(page.status, status, path);
    assert.match(page.text, /<h1>This request cannot be understood<\/h1>/);
    const problem = await visitor.send(method, path, {
      headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
    });
    assert.match(problem.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.deepEqual([problem.json['status'], problem.json['code']], [status, 'request_invalid']);
    for (const { headers, text } of [page, problem]) {
      assert.doesNotMatch(text, /FST_/);
      for (const name of ['content-security-policy', 'x-content-type-options', 'referrer-policy', 'cache-control']) {
        assert.equal(headers.get(name), always.get(name), name);
      }
    }
  }
});

test('the browser module is served as JavaScript, and the styles beside it', async () => {
  const visitor = site.visitor();
  const { status, headers, text } = await visitor.get('/assets/life.js');
  assert.equal(status, 200);
  assert.match(headers.get('content-type') ?? '', /^text\/javascript/);
  new Script(text);
  for (const name of assetNames) {
    assert.equal((await visitor.get(`/assets/${name}`)).status, 200, name);
  }
});
