import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Hand } from '../../test/hand.ts';
import { openSite, password, type Site, type Witness } from '../../test/site.ts';

let site: Site;
const credentials = { username: 'ada', password };

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('a visit is drawn: four stages, what both sides hold, two clocks, events, without script', async () => {
  const { text } = await site.visitor().get('/');
  for (const stage of ['creation', 'tracking', 'expiry', 'termination']) {
    assert.match(text, new RegExp(`<h2 id="${stage}-heading">Session ${stage}</h2>`));
    assert.match(text, new RegExp(`<a href="#${stage}" class="band ${stage}"`));
  }
  assert.match(text, /<svg class="map across"[^>]*data-position="anonymous"/);
  assert.match(text, /<desc[^>]*>A map with four stages: .* Your session is anonymous\. The way here: anonymous\./);
  assert.match(text, /class="band creation" data-band="creation" data-present="yes" aria-current="step"/);
  assert.match(text, /data-way="none anonymous" data-taken="yes"/);
  assert.match(text, /data-way="anonymous signed-in" data-taken="no"/);
  assert.match(text, /<dt>Value<\/dt><dd><code class="token">[\w-]{23}\.<span class="mask">••••••<\/span><\/code>/);
  assert.match(text, /<dt>Secret<\/dt><dd><code>SHA-256 [\w-]{12}…<\/code>/);
  assert.match(text, /data-left="idle">30:00</);
  assert.match(text, /data-left="absolute">2:00:00</);
  assert.match(text, /A visit began an anonymous session\./);
});

test('visit anonymously', async () => {
  const visitor = site.visitor();
  const answer = await visitor.post('/life/visit');
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get('location'), '/');
  const first = visitor.token;
  const { text } = await visitor.get('/');
  assert.match(text, /Your session is anonymous\./);
  assert.match(text, /A visit began: this browser has a session/);
  assert.doesNotMatch((await visitor.get('/')).text, /A visit began: this/, 'said once');
  await visitor.post('/life/visit');
  assert.equal(visitor.token, first, 'the session there is stays');
});

test('sign in: a new id, the way drawn, and the old token kept as a copy for the replay only', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  const anonymous = visitor.token;
  const answer = await visitor.post('/life/sign-in', credentials);
  assert.equal(answer.status, 303);
  const copy = answer.headers.getSetCookie().find((line) => /^sojourn-\d+-copy=/.test(line));
  assert.match(copy ?? '', /; Path=\/life\/replay; HttpOnly; SameSite=Strict; Max-Age=600$/);
  assert.ok(copy?.includes(String(anonymous)));
  assert.notEqual(idOf(visitor.token), idOf(anonymous));
  const { text } = await visitor.get('/');
  assert.match(text, /<dt>Subject<\/dt><dd>ada <code>[\w-]{12}<\/code>/);
  assert.match(text, /Your session is signed in\./);
  assert.match(text, /data-way="none anonymous" data-taken="yes"/);
  assert.match(text, /data-way="anonymous signed-in" data-taken="yes"/);
  assert.match(text, /The visitor’s session ended: sign-in took its place\./);
  const replayed = await visitor.post('/life/replay');
  assert.match(replayed.text, /<strong>401<\/strong> <code>token_replaced<\/code>/);
  assert.match(replayed.text, /The guarantee: G2/);
});

test('every sign-in and sign-out keeps the copy of the session that it ends, or none', async () => {
  const visitor = site.visitor();
  const copyIn = (headers: Headers): string[] =>
    headers.getSetCookie().flatMap((line) => /^sojourn-\d+-copy=([^;]*)/.exec(line)?.[1] ?? []);
  site.clock.advance('1s');
  assert.deepEqual(copyIn((await visitor.post('/login', credentials)).headers), [], 'it ended none');
  const ways: [path: string, form?: Record<string, string>][] = [
    ['/login', credentials],
    ['/logout'],
    ['/life/visit'],
    ['/login', credentials],
    ['/life/sign-out'],
    ['/life/visit'],
    ['/life/plant', { ...credentials, planted: 'made-up' }],
    ['/logout'],
    ['/life/visit'],
    ['/life/plant', { ...credentials, planted: 'anonymous' }],
  ];
  for (const [path, form] of ways) {
    site.clock.advance('1s');
    const { token } = visitor;
    const { headers } = await visitor.post(path, form);
    assert.deepEqual(copyIn(headers), path === '/life/visit' ? [] : [token], path);
  }
});

test('sign in with a wrong password: 401, on the page, with the name kept', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  const answer = await visitor.post('/life/sign-in', { username: 'nobody-here', password: 'wrong password' });
  assert.equal(answer.status, 401);
  assert.match(answer.text, /role="alert">Incorrect username or password\./);
  assert.match(answer.text, /value="nobody-here"/);
  assert.match(answer.text, /Your session is anonymous\./);
});

test('make a request: recognised, with the permissions', async () => {
  const visitor = await site.signedIn();
  const answer = await visitor.post('/life/request');
  assert.equal(answer.status, 200);
  assert.match(answer.text, /GET \/session\nCookie: sojourn-\d+=[\w-]{23}\.<span class="mask">••••••<\/span></);
  assert.match(answer.text, /<strong>200<\/strong>.*signed-in, permissions: orders:read, demo:read/s);
  const anonymous = site.visitor();
  await anonymous.get('/');
  assert.match((await anonymous.post('/life/request')).text, /GET \/life\/whoami\n.*<strong>200<\/strong>/s);
  assert.match(
    (await site.visitor().post('/life/request')).text,
    /<strong>401<\/strong> <code>sign_in_required<\/code>/,
  );
});

test('G10: change permissions: demo:write comes and goes for all sessions of this account, the rest stays', async () => {
  const [visitor, phone, other] = [await site.signedIn(), await site.signedIn(), await site.signedIn('ben')];
  await visitor.submit('/life/permissions');
  assert.deepEqual(await permissionsOf(visitor), ['demo:read', 'demo:write', 'orders:read']);
  await phone.json('/session');
  assert.deepEqual(await permissionsOf(phone), ['demo:read', 'demo:write', 'orders:read']);
  assert.deepEqual(await permissionsOf(other), ['demo:read']);
  const { text } = await visitor.submit('/life/permissions');
  assert.match(text, /demo:write was taken away/);
  assert.deepEqual(await permissionsOf(visitor), ['demo:read', 'orders:read']);
  assert.deepEqual(await permissionsOf(phone), ['demo:read', 'orders:read']);
});

test('G13: rotate: another secret, the same session; a copy passes in its grace and ends the session after it', async () => {
  const visitor = await site.signedIn();
  const first = visitor.token;
  const { text } = await visitor.submit('/life/rotate');
  assert.equal(idOf(visitor.token), idOf(first));
  assert.notEqual(visitor.token, first);
  assert.match(text, /A new secret took over/);
  assert.match((await visitor.post('/life/replay')).text, /Admitted, for now/);
  await site.pass(31);
  const late = await visitor.post('/life/replay');
  assert.match(late.text, /<strong>401<\/strong> <code>rotation_lost<\/code>/);
  assert.match(late.text, /The guarantee: G13/);
  assert.match(late.text, /Your session was terminated\./);
  assert.equal((await visitor.json('/session')).json['code'], 'rotation_lost');
});

test('G6: a 20-second session runs out when it is not used', async () => {
  const visitor = await site.signedIn();
  const { text } = await visitor.submit('/life/brief');
  assert.match(text, /<dt>Kind<\/dt><dd>brief<\/dd>/);
  assert.match(text, /data-left="idle">0:20</);
  assert.match(text, /data-left="absolute">1:00</);
  assert.match(text, /<dt>Factors<\/dt><dd>none<\/dd>/, 'nothing was proved just now');
  await site.pass(20);
  const answer = await visitor.json('/session');
  assert.equal(answer.status, 401);
  assert.equal(answer.json['code'], 'session_expired_idle');
  const page = await visitor.get('/');
  assert.match(page.text, /Your session has expired\.<\/strong> It ended because it was not used for a while\./);
  assert.match(page.text, /data-way="signed-in expired" data-taken="yes"/);
  assert.match(page.text, /class="band expiry" data-band="expiry" data-present="yes"/);
});

test('G6: a 20-second session in use ends at its absolute limit', async () => {
  const visitor = await site.signedIn();
  await visitor.submit('/life/brief');
  for (const _ of [1, 2, 3, 4, 5]) {
    await site.pass(11);
    assert.equal((await visitor.json('/session')).status, 200);
  }
  await site.pass(5);
  assert.equal((await visitor.json('/session')).json['code'], 'session_expired_absolute');
});

test('G3: sign out: ended at once, the cookie taken away, and the copy refused with the reason', async () => {
  const visitor = await site.signedIn();
  const token = visitor.token;
  const out = await visitor.post('/life/sign-out');
  assert.equal(out.status, 200);
  assert.equal(visitor.token, undefined);
  assert.match(out.text, /Your session was terminated\.<\/strong> It ended because you signed out\./);
  assert.match(out.text, /data-way="signed-in terminated" data-taken="yes"/);
  assert.match(out.text, /<p class="none">No cookie of a session\.<\/p>/);
  assert.match(out.text, new RegExp(`<code class="token">${idOf(token)}</code>`), 'the tombstone');
  const replay = await visitor.post('/life/replay');
  assert.match(replay.text, /<strong>401<\/strong> <code>session_terminated<\/code>/);
  assert.match(replay.text, /reason <code>signed_out<\/code>/);
  assert.match(replay.text, /The guarantee: G3/);
  assert.match(replay.text, /Your session was terminated\./);
});

test('who is not signed in is sent to sign in by the buttons that need it', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  for (const path of ['/life/permissions', '/life/brief', '/life/late-write']) {
    const answer = await visitor.post(path);
    assert.equal(answer.status, 303, path);
    assert.match(answer.headers.get('location') ?? '', /^\/login/);
  }
});

test('buttons that cannot be used now are disabled, and all of them are there at any time', async () => {
  const visitor = site.visitor();
  site.clock.advance('1s');
  const ids = (text: string): string[] => [...text.matchAll(/<button[^>]* id="(do-[^"]+)"/g)].map(([, id]) => `${id}`);
  const disabled = (text: string): string[] =>
    [...text.matchAll(/<button[^>]* id="(do-[^"]+)"[^>]* disabled/g)].map(([, id]) => `${id}`);
  const anonymous = (await visitor.get('/')).text;
  const signedIn = (await visitor.submit('/life/sign-in', credentials)).text;
  assert.deepEqual(ids(anonymous), ids(signedIn));
  assert.equal(ids(anonymous).length, 13);
  assert.ok(disabled(anonymous).includes('do--life-sign-out'));
  assert.ok(disabled(anonymous).includes('do--life-replay'), 'there is nothing to replay');
  assert.match(anonymous, /There is no copy yet: sign in, rotate or sign out here/);
  assert.deepEqual(disabled(signedIn), [
    'do--life-visit',
    'do-sign-in',
    'do-plant-made-up',
    'do-plant-anonymous',
    'do--life-replay-late',
  ]);
  assert.match(signedIn, /This takes a 20-second session/);
  const brief = (await visitor.submit('/life/brief')).text;
  assert.ok(!disabled(brief).includes('do--life-replay-late'));
  assert.ok(!disabled((await visitor.post('/life/sign-out')).text).includes('do--life-replay'));
});

test('beside a button that is disabled stands what it takes', async () => {
  const visitor = site.visitor();
  site.clock.advance('1s');
  const needs = (text: string): string[] =>
    [...text.matchAll(/<p class="needs soft">([^<]*)/g)].map(([, says]) => `${says}`);
  const anonymous = (await visitor.get('/')).text;
  assert.deepEqual(needs(anonymous), [
    'Your visit has begun an anonymous session.',
    'A permission takes a sign-in.',
    'This takes a sign-in.',
    'This takes a sign-in.',
  ]);
  assert.match(anonymous, /This takes a 20-second session: sign in and begin one,/);
  const signedIn = (await visitor.submit('/life/sign-in', credentials)).text;
  assert.deepEqual(needs(signedIn), ['You are signed in: sign out to begin anew.']);
  assert.match(signedIn, /This takes a 20-second session: begin one,/);
  const ended = (await visitor.post('/life/sign-out')).text;
  assert.deepEqual(needs(ended), [
    'This takes a session: visit, or sign in.',
    'This takes a sign-in.',
    'This takes a sign-in.',
  ]);
  assert.match(ended, /the replay\. The write takes a sign-in\./);
});

test('in an impersonation the buttons leave the other person’s sessions alone', async () => {
  const visitor = await site.signedIn();
  const { sessions, users } = site.server.context;
  const ben = users.byName('ben')?.id ?? '';
  const carrier = new Hand();
  const session = await sessions.track(visitor.token ?? null, { carrier });
  assert.equal(session.state, 'signed-in');
  if (session.state === 'signed-in') await session.impersonate(ben, { reason: 'a test' });
  visitor.jar.set([...visitor.jar.keys()][0] ?? '', carrier.token);
  for (const path of ['/life/permissions', '/life/brief']) {
    const answer = await visitor.post(path);
    assert.equal(answer.status, 403, path);
    assert.match(answer.text, /You act as somebody else/);
  }
});

async function permissionsOf(visitor: Witness): Promise<unknown[]> {
  const { permissions } = (await visitor.json('/session')).json;
  assert.ok(Array.isArray(permissions));
  return permissions.sort();
}

function idOf(token: string | undefined): string {
  return token?.split('.')[0] ?? '';
}
