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
  for (const leave of ['', 'no hex', '00'.repeat(32)]) {
    const { status, text } = await site.visitor().get(`/?${new URLSearchParams({ ended: id, leave })}`, fetched);
    assert.equal(status, 200);
    assert.ok(!text.includes(id));
    assert.match(text, /There is no session\./);
  }
});
