import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, password, type Site } from '../../test/site.ts';

let site: Site;
const credentials = { username: 'ada', password };

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('a form sent after the session expired: sign-in, back to the form’s page, and it says what was not done (S-58)', async () => {
  const visitor = await site.signedIn();
  await site.pass(31 * 60);
  const sent = await visitor.post('/account/password', {}, { headers: { referer: `${site.origin}/account` } });
  assert.equal(sent.status, 303);
  const way = sent.headers.get('location') ?? '';
  assert.equal(way, '/login?return=%2Faccount&unsent=1');
  const page = await visitor.get(way);
  assert.match(page.text, /Your session ended because it was not used for a while\./);
  assert.match(page.text, /What you sent was not carried out\. After signing in you return to the form\./);
  const back = await visitor.post(way, credentials);
  assert.equal(back.headers.get('location'), '/account');
  assert.match(
    (await visitor.get('/account')).text,
    /role="status"[^>]*><p class="notice">Your session had ended, so what you sent/,
  );
  assert.doesNotMatch((await visitor.get('/account')).text, /Your session had ended/, 'said once');
});

test('the same from the life page, whose frame says it too', async () => {
  const visitor = await site.signedIn();
  await visitor.submit('/life/brief');
  await site.pass(20);
  const sent = await visitor.post('/life/permissions', {}, { headers: { referer: `${site.origin}/` } });
  const back = await visitor.post(sent.headers.get('location') ?? '', credentials);
  assert.equal(back.headers.get('location'), '/');
  assert.match((await visitor.get('/')).text, /role="status"[^>]*><p class="notice">Your session had ended/);
});

test('wrong, unknown and throttled sign-ins are answered alike, on the form with the name kept', async () => {
  const visitor = site.visitor();
  for (const username of ['ada', 'nobody']) {
    const answer = await visitor.post('/login', { username, password: 'not the password' });
    assert.equal(answer.status, 401);
    assert.match(answer.text, /role="alert">Incorrect username or password\./);
    assert.match(answer.text, new RegExp(`value="${username}"`));
  }
  let status = 0;
  for (let tries = 0; tries < 6; tries++) {
    ({ status } = await visitor.post('/login', { username: 'nobody', password: 'not the password' }));
  }
  assert.equal(status, 429);
});

test('sign-out is on every page while somebody is signed in, and on none before', async () => {
  const visitor = await site.signedIn();
  for (const path of ['/', '/account', '/login', '/nowhere']) {
    assert.match((await visitor.get(path)).text, /<form method="post" action="\/logout">/, path);
    assert.doesNotMatch((await site.visitor().get(path)).text, /action="\/logout"/, path);
  }
});

test('an account that exists, one that does not and a disabled one are answered alike to the letter', async () => {
  const { users } = site.server.context;
  await users.add('gone', password, []);
  users.setDisabled(users.byName('gone')?.id ?? '', true);
  const answers = [];
  for (const [username, given] of [
    ['ada', 'not the password'],
    ['nobody', 'not the password'],
    ['gone', password],
  ] as const) {
    const { status, headers, text } = await site.visitor().post('/login', { username, password: given });
    const names = [...headers.keys()].sort();
    answers.push({ status, names, text: text.replaceAll(`value="${username}"`, '') });
  }
  const [first, ...others] = answers;
  for (const other of others) assert.deepEqual(other, first);
});

test('too many attempts: 429 with Retry-After, and after that long it goes on', async () => {
  await site.server.context.users.add('cyd', password, []);
  const visitor = site.visitor();
  let waited = 0;
  for (let tries = 0; tries < 7; tries++) {
    const answer = await visitor.post('/login', { username: 'cyd', password: 'not the password' });
    if (answer.status === 429) waited = Number(answer.headers.get('retry-after'));
  }
  assert.equal(waited, 1);
  const right = { username: 'cyd', password };
  assert.equal((await visitor.post('/login', right)).status, 429, 'even the right one');
  site.clock.advance('1s');
  assert.equal((await visitor.post('/login', right)).status, 303);
});
