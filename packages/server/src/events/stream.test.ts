import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, password, type Site } from '../../test/site.ts';
import { assetNames } from '../pages/assets.ts';

let site: Site;

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('no session, no stream: 401', async () => {
  const answer = await site.visitor().json('/session/events');
  assert.equal(answer.status, 401);
  assert.equal(answer.json['code'], 'sign_in_required');
});

test('what happens to my session arrives as it happens, and of nobody else’s', async () => {
  const [visitor, other] = [await site.signedIn(), await site.signedIn('ben')];
  const stream = await visitor.stream();
  assert.equal(stream.status, 200);
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  assert.equal(stream.headers['cache-control'], 'no-store');
  await other.submit('/life/rotate');
  await visitor.submit('/life/rotate');
  const [, cursor = '', body = ''] = await stream.until(/id: (\S+)\ndata: (.*)\n\n/);
  const told = JSON.parse(body);
  assert.equal(told.type, 'rotated');
  assert.equal(told.stage, 'tracking');
  assert.match(told.says, /A new secret took over/);
  assert.ok(cursor.length > 0);
  assert.equal(stream.text.match(/rotated/g)?.length, 1, 'the other’s rotation is not told');
  stream.leave();
});

test('G11: it resumes after Last-Event-ID, and after ?after=', async () => {
  const visitor = await site.signedIn();
  const first = await visitor.stream();
  await visitor.submit('/life/rotate');
  const [, cursor = ''] = await first.until(/id: (\S+)\ndata: .*rotated/);
  first.leave();
  await visitor.submit('/life/permissions');
  for (const again of [
    await visitor.stream({ 'last-event-id': cursor }),
    await visitor.stream({}, `/session/events?after=${encodeURIComponent(cursor)}`),
  ]) {
    await again.until(/permissions_changed/);
    assert.equal(again.text.match(/permissions_changed/g)?.length, 1);
    assert.equal(again.text.match(/id: /g)?.length, 2, 'that and the rotation it caused');
    again.leave();
  }
  // The page itself gives the place that its list of events ends at.
  const { text } = await visitor.get('/');
  const [, after = ''] = /data-after="([^"]+)"/.exec(text) ?? [];
  const fresh = await visitor.stream({}, `/session/events?after=${encodeURIComponent(after)}`);
  await visitor.submit('/life/permissions');
  await fresh.until(/permissions_changed/);
  assert.equal(fresh.text.match(/id: /g)?.length, 1);
  fresh.leave();
});

test('a cursor of another store is said to be lost, and the stream goes on from now', async () => {
  const visitor = await site.signedIn();
  const stream = await visitor.stream({ 'last-event-id': 'elsewhere.1-2-3' });
  await stream.until(/event: lost\n/);
  await visitor.submit('/life/rotate');
  await stream.until(/rotated/);
  stream.leave();
});

test('too much since its cursor: the page is told to look anew, and the stream goes on from now', async () => {
  const [visitor] = [await site.signedIn(), await site.signedIn('ben')];
  const { sessions, users } = site.server.context;
  const cursor = await sessions.cursor();
  const ben = users.byName('ben')?.id ?? '';
  const changes = Array.from({ length: 600 }, (_, i) => sessions.setPermissions(ben, [`permission-${i}`]));
  await Promise.all(changes);
  const stream = await visitor.stream({ 'last-event-id': cursor });
  await stream.until(/event: lost\n/);
  await visitor.submit('/life/rotate');
  await stream.until(/rotated/);
  stream.leave();
});

test('G12: it ends at sign-out with the reason; so does a visitor’s at sign-in', async () => {
  const visitor = site.visitor();
  await visitor.get('/');
  const anonymous = await visitor.stream();
  await visitor.post('/login', { username: 'ada', password: password });
  await anonymous.end();
  assert.match(anonymous.text, /event: ended\n(id: .*\n)?data: \{.*"reason":"replaced".*\}\n\n$/);
  const stream = await visitor.stream();
  await visitor.post('/logout');
  await stream.end();
  assert.match(
    stream.text,
    /event: ended\n(id: .*\n)?data: \{.*"reason":"signed_out".*"says":"Ended: you signed out\.".*\}\n\n$/,
  );
  assert.equal(stream.text.match(/event: ended/g)?.length, 1);
});

test('G12: it ends when the session expires, and a heartbeat every 15 s tells of limits that moved on', async () => {
  const visitor = await site.signedIn();
  await visitor.submit('/life/brief');
  const stream = await visitor.stream();
  await site.pass(14);
  assert.doesNotMatch(stream.text, /still here/);
  await visitor.json('/session');
  await site.pass(0.5);
  await site.pass(1);
  await stream.until(/: still here\n\n/);
  const [, limits = ''] = await stream.until(/event: limits\ndata: (.*)\n\n/);
  assert.equal(JSON.parse(limits).idleUntil - site.clock.now(), 18_500);
  await site.pass(18.5);
  await stream.end();
  assert.match(
    stream.text,
    /event: ended\n(id: .*\n)?data: \{.*"reason":"session_expired_idle","stage":"expiry".*\}\n\n$/,
  );
});

test('G12: it ends within a heartbeat where a new password owes that, though no request follows', async () => {
  const { users } = site.server.context;
  const { id } = await users.add('cyd', password, []);
  const visitor = await site.signedIn('cyd');
  const stream = await visitor.stream();
  await stream.until(/retry: /);
  await users.setPassword(id, 'another long one', { by: 'operator' });
  await site.pass(15);
  await stream.until(/: still here\n\n/);
  await stream.until(/event: ended\n(id: .*\n)?data: \{.*"reason":"password_changed"/);
  await stream.end();
});

test('G12: it ends within a heartbeat where a disabling came half way, though no request follows', async () => {
  const { users } = site.server.context;
  const { id } = await users.add('dan', password, []);
  const stream = await (await site.signedIn('dan')).stream();
  await stream.until(/retry: /);
  users.setDisabled(id, true);
  await site.pass(30);
  const [, next = ''] = await stream.until(/: still here\n\n(: still here|event: ended\n(id: .*\n)?data: .*)\n/);
  assert.match(next, /"reason":"account_disabled"/, 'and not another beat');
  await stream.end();
});

test('to listen, again and again, is not to use the session; nor is to fetch what pages are made of (S-39)', async () => {
  const visitor = await site.signedIn();
  for (let minutes = 0; minutes < 30; minutes += 10) {
    (await visitor.stream()).leave();
    for (const name of assetNames) await visitor.get(`/assets/${name}`);
    await site.pass(600);
  }
  assert.equal((await visitor.json('/session')).json['code'], 'session_expired_idle');
});

test('the server stops although streams are open', async () => {
  const other = await openSite();
  const visitor = await other.signedIn();
  const stream = await visitor.stream();
  await stream.until(/retry: /);
  await other.close();
  await stream.end();
  assert.doesNotMatch(stream.text, /event: ended/, 'the session goes on');
});
