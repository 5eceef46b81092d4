import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { onceChecked, openSite, password, type Site, type Witness } from '../../test/site.ts';

let site: Site;

before(async () => {
  site = await openSite();
});

beforeEach(async () => {
  const { sessions, users } = site.server.context;
  await sessions.terminateAll(users.byName('ada')?.id ?? '');
});

after(() => site.close());

test('devices: name, truncated address, first and last seen with its precision, this one marked', async () => {
  const visitor = await site.signedIn();
  await site.signedIn();
  const { text } = await visitor.get('/account');
  const devices = [...text.matchAll(/<li class="device( own)?">.*?<\/li>/gs)].map(([item]) => item);
  assert.equal(devices.length, 2);
  for (const device of devices) {
    assert.match(device, /<h3[^>]*>Firefox on Linux/);
    assert.match(device, /<span class="address">(127\.0\.0\.0\/24|::\/48)<\/span>/);
    assert.match(device, /<dt>Signed in<\/dt><dd><time datetime="2026-01-01T[^"]*">1 Jan 2026, \d\d:\d\d UTC/);
    assert.match(device, /<dt>Last seen<\/dt><dd><time[^>]*>[^<]*<\/time> <small>or up to 60 s later<\/small>/);
  }
  assert.deepEqual(
    devices.map((device) => /this device/.test(device)),
    [true, false],
    'this one first, though the other was seen later',
  );
});

test('each form with a password says whose it is, for the browser’s password manager', async () => {
  const visitor = await site.signedIn();
  await site.signedIn();
  const named = async (): Promise<number> =>
    [
      ...(await visitor.get('/account')).text.matchAll(
        /<form [^>]*>(?:(?!<\/form>).)*?name="username" [^>]*value="ada" readonly hidden>/gs,
      ),
    ].length;
  assert.equal(await named(), 1);
  await site.pass(601);
  assert.equal(await named(), 2, 'and the one that asks for it again');
});

test('G7: end one: at once, said on the next page, and listed with its reason', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  const id = await idOf(phone);
  const { text } = await visitor.submit(`/account/sessions/${id}/terminate`);
  assert.match(text, /role="status"[^>]*><p class="notice">Signed out: Firefox on Linux\./);
  assert.match(
    text,
    /<p><time[^>]*>[^<]*<\/time><\/p>\n<p class="why">Ended because you signed it out from another device\.<\/p>\n<p class="soft">Signed in <time/,
  );
  const refused = await phone.json('/session');
  assert.equal(refused.json['code'], 'session_terminated');
  assert.equal(refused.json['reason'], 'revoked');
});

test('an ending whose reason a later release knows is shown by that reason’s name', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  await visitor.post(`/account/sessions/${await idOf(phone)}/terminate`);
  const db = new DatabaseSync(join(site.server.context.config.data, 'sessions.db'));
  for (const [table, column] of [
    ['sessions', 'record'],
    ['events', 'body'],
  ]) {
    db.exec(`UPDATE ${table} SET ${column} = replace(${column}, '"revoked"', '"moved_on"')`);
  }
  db.close();
  assert.match((await visitor.get('/account')).text, /Ended because moved_on\./);
  assert.match((await phone.get('/')).text, /It ended because moved_on\./);
  assert.match((await phone.get('/login')).text, /Your session ended because moved_on\./);
});

test('end one’s own: a sign-out like any other, with its page', async () => {
  const visitor = await site.signedIn();
  const saved = visitor.copy();
  const answer = await visitor.post(`/account/sessions/${await idOf(visitor)}/terminate`);
  assert.match(`${answer.status} ${answer.headers.get('location')}`, /^303 \/ended\?/);
  assert.equal(visitor.token, undefined);
  assert.match((await visitor.get(answer.headers.get('location') ?? '')).text, /Signed out: the session has ended/);
  assert.equal((await saved.json('/session')).json['reason'], 'signed_out');
});

test('somebody else’s session is as unknown as one that never was', async () => {
  const [visitor, other] = [await site.signedIn(), await site.signedIn('ben')];
  const answer = await visitor.post(`/account/sessions/${await idOf(other)}/terminate`);
  assert.equal(answer.status, 404);
  assert.equal((await other.json('/session')).status, 200);
});

test('end the others: asks for the password when the last proof is over 10 minutes old', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  assert.doesNotMatch((await visitor.get('/account')).text, /Your password, to sign out a device/);
  await site.pass(601);
  assert.match((await visitor.get('/account')).text, /Your password, to sign out a device/);
  const missing = await visitor.post('/account/sessions/terminate-others');
  assert.equal(missing.status, 403);
  assert.match(missing.text, /role="alert">Give your password/);
  const wrong = await visitor.post('/account/sessions/terminate-others', { password: 'not the password' });
  assert.equal(wrong.status, 403);
  assert.equal((await phone.json('/session')).status, 200);
  const { text } = await visitor.submit('/account/sessions/terminate-others', { password });
  assert.match(text, /Signed out: one other device\./);
  assert.equal((await phone.json('/session')).status, 401);
  assert.equal((await visitor.json('/session')).status, 200);
});

test('a 20-second session proved nothing, so it does not end others', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  await visitor.submit('/life/brief');
  assert.equal((await visitor.post('/account/sessions/terminate-others')).status, 403);
  assert.equal((await phone.json('/session')).status, 200);
});

test('the password: wrong, too short, changed; the other devices are signed out and told why', async () => {
  const [visitor, phone] = [await site.signedIn('ben'), await site.signedIn('ben')];
  const wrong = await visitor.post('/account/password', { current: 'not the password', new: 'another long one' });
  assert.equal(wrong.status, 403);
  const short = await visitor.post('/account/password', { current: password, new: 'short' });
  assert.equal(short.status, 400);
  const changed = { current: password, new: 'another long one', others: 'on' };
  assert.match((await visitor.submit('/account/password', changed)).text, /Your password has been changed\./);
  assert.equal((await phone.json('/session')).json['reason'], 'password_changed');
  const sent = await phone.get('/account');
  assert.match((await phone.get(sent.headers.get('location') ?? '')).text, /ended because your password changed/);
});

test('the password: the other devices stay when they are to', async () => {
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  const changed = { current: password, new: `${password} and more` };
  assert.match((await visitor.submit('/account/password', changed)).text, /Your password has been changed\./);
  assert.equal((await phone.json('/session')).status, 200);
  const old = await site.visitor().post('/login', { username: 'ada', password });
  assert.equal(old.status, 401);
  await restorePassword();
});

test('the password: where the other devices stay, a sign-in with the old one that was under way does not land', async () => {
  const [visitor, phone, late] = [await site.signedIn(), await site.signedIn(), site.visitor()];
  onceChecked(site, async () => {
    site.clock.advance('1s');
    const changed = { current: password, new: `${password} and more` };
    assert.equal((await visitor.post('/account/password', changed)).status, 303);
  });
  assert.notEqual((await late.post('/login', { username: 'ada', password })).status, 303);
  assert.equal((await late.json('/session')).status, 401);
  for (const stays of [visitor, phone]) assert.equal((await stays.json('/session')).status, 200);
  await restorePassword();
});

test('a stolen session cannot try passwords at leisure: the same throttle as at sign-in', async () => {
  const visitor = await site.signedIn();
  const wrong = { current: 'not the password', new: 'another long one' };
  const statuses = [];
  for (let tries = 0; tries < 7; tries++) statuses.push((await visitor.post('/account/password', wrong)).status);
  assert.deepEqual(statuses, [403, 403, 403, 403, 403, 429, 429]);
  assert.match(
    (await visitor.post('/account/password', wrong)).text,
    /role="alert">Too many attempts\. Try again in 1 s\./,
  );
});

async function restorePassword(): Promise<void> {
  const { context } = site.server;
  const id = context.users.byName('ada')?.id ?? '';
  await context.users.setPassword(id, password, { except: 'all', by: id });
  await context.owed.end(id);
}

async function idOf(visitor: Witness): Promise<string> {
  return String((await visitor.json('/session')).json['id']);
}
