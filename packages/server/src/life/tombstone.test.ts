import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, type Site } from '../../test/site.ts';

let site: Site;
/** As the page's module asks: no visit is begun by it. */
const fetched = { headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } };

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('who watched a session end is shown its tombstone, before and after the cookie has gone', async () => {
  const visitor = await site.signedIn();
  const tab = visitor.copy();
  const stream = await visitor.stream();
  await visitor.post('/logout');
  const [, sent = ''] = await stream.until(/event: ended\n(?:id: .*\n)?data: (.*)\n/);
  const { page } = JSON.parse(sent);
  for (const browser of [tab, visitor]) {
    const { text } = await browser.get(page, fetched);
    assert.match(text, /Your session was terminated\.<\/strong> It ended because you signed out\./);
    assert.match(text, /data-position="terminated"/);
  }
});

test('without that leave nobody is shown the end of another’s session', async () => {
  const visitor = await site.signedIn();
  const id = String((await visitor.json('/session')).json['id']);
  await visitor.post('/logout');
  const until = String(site.clock.now() + 1000);
  for (const leave of ['', 'no hex', '00'.repeat(32)]) {
    const asked = new URLSearchParams({ session: id, until, leave });
    const { status, headers, text } = await site.visitor().get(`/ended?${asked}`, fetched);
    assert.deepEqual([status, headers.get('location'), text], [303, '/', '']);
  }
});

test('sign-out leads to the tombstone, which begins no visit, for some minutes and while nobody is signed in', async () => {
  const visitor = await site.signedIn();
  const location = (await visitor.post('/logout')).headers.get('location') ?? '';
  const { status, text } = await visitor.get(location);
  assert.equal(status, 200);
  assert.match(text, /role="status"[^>]*><p class="notice">Signed out: the session has ended/);
  assert.match(text, /data-position="terminated"/);
  assert.match(text, /<a href="\/" aria-current="page">Life<\/a>/);
  assert.equal(visitor.token, undefined);
  const longer = location.replace(/until=\d+/, `until=${site.clock.now() + 3_600_000}`);
  assert.equal((await visitor.get(longer)).status, 303, 'the leave says until when');
  await site.pass(601);
  assert.equal((await visitor.get(location)).status, 303, 'the leave has run out');
  const again = await site.signedIn();
  const out = (await again.post('/logout')).headers.get('location') ?? '';
  await again.get('/');
  assert.equal((await again.get(out)).headers.get('location'), '/', 'a live session is shown in its place');
});
