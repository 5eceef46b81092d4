import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSite, password } from '../../test/site.ts';

const credentials = { username: 'ada', password };

test('behind https the page finds its cookie by that name, and the copy is Secure as well', async () => {
  const site = await openSite('--origin', 'https://sessions.test', '--demo');
  try {
    const visitor = site.visitor();
    const { text, headers } = await visitor.get('/');
    assert.match(headers.getSetCookie()[0] ?? '', /^__Host-sojourn=/);
    assert.match(headers.get('strict-transport-security') ?? '', /max-age/);
    assert.match(text, /<dt>Cookie<\/dt><dd><code>__Host-sojourn<\/code>/);
    assert.match(text, /<li>Secure<\/li>/);
    assert.match(
      (await visitor.post('/life/alter')).text,
      /Cookie: __Host-sojourn=[\w-]{23}\.<span class="mask">••••••<\/span> /,
    );
    const signedIn = await visitor.post('/life/sign-in', credentials);
    const copy = signedIn.headers.getSetCookie().find((line) => line.startsWith('__Secure-sojourn-copy='));
    assert.match(copy ?? '', /; Path=\/life\/replay; HttpOnly; Secure; SameSite=Strict; Max-Age=600$/);
    assert.match((await visitor.post('/life/replay')).text, /<code>token_replaced<\/code>/);
    assert.match((await visitor.post('/life/late-write')).text, /Refused: the write found the session ended/);
  } finally {
    await site.close();
  }
});

test('where the policy asks for form tokens, the buttons carry them and do not work without', async () => {
  const site = await openSite('--policy', 'nist-63b4-aal2');
  try {
    const visitor = await site.signedIn();
    const { text } = await visitor.get('/');
    const form = /action="\/life\/brief" data-live><input type="hidden" name="form_token" value="([^"]+)">/.exec(text);
    assert.ok(form?.[1]);
    const without = await visitor.post('/life/brief');
    assert.equal(without.status, 403);
    assert.match(without.text, /<h1>This form is out of date<\/h1>/);
    assert.equal((await visitor.post('/life/brief', { form_token: form[1] })).status, 303);
    const [, fresh = ''] = /name="form_token" value="([^"]+)"/.exec((await visitor.get('/')).text) ?? [];
    const late = await visitor.post('/life/late-write', { form_token: fresh });
    assert.match(late.text, /Refused: the write found the session ended/, 'and so do those that it sends itself');
  } finally {
    await site.close();
  }
});
