import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, password, type Site } from '../../../test/site.ts';

/*
 * Each "try to break it" of the life page: the request as sent, the answer, the guarantee, and what an
 * express-session app does. S-01, S-02 (creation), S-11 (tracking), S-37 (expiry), S-41, S-50 (termination).
 */

let site: Site;
const credentials = { username: 'ada', password };

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('G2: creation: a made-up token is planted, the person signs in, and it is refused and never adopted', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  const [anonymous] = visitor.token?.split('.') ?? [];
  const { status, text } = await visitor.post('/life/plant', { ...credentials, planted: 'made-up' });
  assert.equal(status, 200);
  assert.deepEqual(statuses(text), ['303', '401 sign_in_required', '200']);
  const [planted, made] = [
    ...text.matchAll(/[Cc]ookie: sojourn-\d+=([\w-]{23})\.<span class="mask">••••••<\/span>/g),
  ].map(([, id]) => id);
  assert.match(text, new RegExp(`POST /login\\nCookie: sojourn-\\d+=${planted}`));
  assert.notEqual(made, planted);
  assert.equal(visitor.token?.split('.')[0], made, 'the session of the sign-in is this browser’s');
  assert.equal((await visitor.json('/session')).status, 200);
  assertExplained(text, 'G2');
  const own = await site.server.context.sessions.find(anonymous ?? '');
  assert.equal(own?.ending?.reason, 'replaced', 'the visitor’s own went out of the jar');
});

test('G2: creation: a visitor’s real token is planted; after the sign-in it is refused as replaced', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  const [anonymous] = visitor.token?.split('.') ?? [];
  const { text } = await visitor.post('/life/plant', { ...credentials, planted: 'anonymous' });
  assert.deepEqual(statuses(text), ['303', '401 token_replaced', '200']);
  assert.match(
    text,
    new RegExp(`GET /session\\nCookie: sojourn-\\d+=${anonymous}\\.<span class="mask">••••••</span><`),
  );
  assert.match(text, /reason <code>replaced<\/code>/);
  assert.match(text, /The way here: anonymous .*, then signed in/s);
  const kept = await visitor.post('/life/replay');
  assert.deepEqual(statuses(kept.text), ['401 token_replaced'], 'what was planted is kept for the replay');
  assertExplained(text, 'G2');
});

test('G2: creation: without a session of one’s own the attacker gets the token by a visit', async () => {
  const { text } = await site.visitor().post('/life/plant', { ...credentials, planted: 'anonymous' });
  assert.deepEqual(statuses(text), ['200', '303', '401 token_replaced', '200']);
  assert.match(text, /GET \/\nCookie: \(none\)/);
});

test('creation: a wrong password signs nobody in', async () => {
  const visitor = site.visitor();
  const answer = await visitor.post('/life/plant', {
    username: 'ada',
    password: 'not the password',
    planted: 'made-up',
  });
  assert.equal(answer.status, 401);
  assert.match(answer.text, /role="alert">Incorrect username or password\./);
  assert.equal(visitor.token, undefined);
});

test('creation: a request that does not show it comes from this site signs nobody in, as at /login', async () => {
  const form = { ...credentials, planted: 'made-up' };
  // A value that no specification knows counts for none.
  const unshown = { 'sec-fetch-site': 'nonsense' };
  for (const path of ['/login', '/life/plant']) {
    const visitor = site.visitor();
    const { status, text } = await visitor.post(path, form, { headers: unshown });
    assert.equal(status, 403, path);
    assert.match(text, /<code>cross_site<\/code>/, path);
    assert.equal(visitor.jar.size, 0, path);
  }
  const shown = await site.visitor().post('/life/plant', form, { headers: { ...unshown, origin: site.origin } });
  assert.equal(shown.status, 200, 'by Origin alone, as from an older browser');
});

test('G1: tracking: one character altered is refused and counted, and harms nobody', async () => {
  for (const visitor of [await site.signedIn(), site.visitor()]) {
    if (visitor.token === undefined) await visitor.get('/');
    const { status, text } = await visitor.post('/life/alter');
    assert.equal(status, 200);
    assert.deepEqual(statuses(text), ['401 sign_in_required', '200']);
    assert.match(text, /\.<span class="mask">••••••<\/span> {2}\(one character altered\)/);
    assertExplained(text, 'G1');
    const stream = await visitor.stream();
    // A notice waits for the next write of notices, at most a minute away.
    await site.pass(61);
    await stream.until(/secret_mismatch/);
    stream.leave();
    assert.match((await visitor.get('/')).text, /A wrong secret was refused\./);
  }
  assert.equal((await site.visitor().post('/life/alter')).status, 303, 'without a session: to sign in');
});

test('G6: expiry: the cookie comes back after the limit, from the jar and as a copy', async () => {
  const visitor = await site.signedIn();
  await visitor.submit('/life/brief');
  const early = await visitor.post('/life/replay/late');
  assert.deepEqual(statuses(early.text), ['200']);
  assert.match(early.text, /The limit has not passed yet/);
  await site.pass(20);
  const { text } = await visitor.post('/life/replay/late');
  assert.deepEqual(statuses(text), ['401 session_expired_idle']);
  assert.match(text, /Your session has expired\./);
  assertExplained(text, 'G6');
  await visitor.post('/life/visit');
  const copy = await visitor.post('/life/replay/late');
  assert.deepEqual(statuses(copy.text), ['401 session_expired_idle'], 'the copy, since the jar holds another by now');
  assert.match(copy.text, /Your session is anonymous\./);
  assert.match((await site.visitor().post('/life/replay/late')).text, /There is no cookie to come back with\./);
});

test('G3: termination: the copy is refused with the reason; without one the page says how to get one', async () => {
  const visitor = await site.signedIn();
  await visitor.post('/life/sign-out');
  const { status, text } = await visitor.post('/life/replay');
  assert.equal(status, 200);
  assert.deepEqual(statuses(text), ['401 session_terminated']);
  assertExplained(text, 'G3');
  assert.match((await site.visitor().post('/life/replay')).text, /This browser holds no copy\./);
});

test('G3 G17: termination: a write begun before the sign-out is refused, changes nothing and brings nothing back', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  const thief = visitor.copy();
  const { status, text } = await visitor.post('/life/late-write');
  assert.equal(status, 200);
  assert.deepEqual(statuses(text), ['303', '401 session_terminated', '401 session_terminated']);
  assert.match(
    text,
    /POST \/life\/permissions\nCookie: sojourn-\d+=[\w-]{23}\.<span class="mask">••••••<\/span> {2}\(let in before\)/,
  );
  const { permissions } = (await phone.json('/session')).json;
  assert.deepEqual(permissions, ['orders:read', 'demo:read'], 'demo:write was not given');
  assert.match(text, /Your session was terminated\.<\/strong> It ended because you signed out\./);
  assertExplained(text, 'G17');
  assert.equal(visitor.token, undefined, 'signed out for real');
  assert.equal((await thief.json('/session')).json['code'], 'session_terminated');
  assert.deepEqual(statuses((await visitor.post('/life/replay')).text), ['401 session_terminated']);
});

/** Of each answer shown: status and code, in order. */
function statuses(text: string): string[] {
  return [...text.matchAll(/<strong>(\d{3})<\/strong>(?: <code>(\w+)<\/code>)?/g)].map(([, status, code]) =>
    code ? `${status} ${code}` : `${status}`,
  );
}

function assertExplained(text: string, guarantee: string): void {
  assert.match(text, /<article class="trial held"/);
  assert.match(text, new RegExp(`The guarantee: ${guarantee},`));
  assert.match(text, /<h4>A plain express-session app<\/h4><p>[^<]{60,}<\/p>/);
}
