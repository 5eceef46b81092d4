import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { breakStore } from '../../test/broken-store.ts';
import { Hand } from '../../test/hand.ts';
import { checksTake, onceChecked, onceSet, openSite, password, type Site, type Witness } from '../../test/site.ts';
import type { Context } from '../context.ts';

/* A password change of which only the first step came off: the store failed before the second, or the process died. */

const fresh = 'another long one';

async function open(t: TestContext): Promise<Site> {
  const site = await openSite();
  t.after(() => site.close());
  return site;
}

/** The form is sent, and the store fails between the two steps. Answers what mends the store. */
async function changeHalfway(site: Site, visitor: Witness, form: Record<string, string>): Promise<() => void> {
  let mend = (): void => {};
  onceSet(site, async () => {
    mend = breakStore(join(site.server.context.config.data, 'sessions.db'));
  });
  const { status, headers, text } = await visitor.post('/account/password', { current: password, new: fresh, ...form });
  assert.equal(status, 503);
  assert.ok(headers.get('retry-after'));
  assert.match(text, /<h1>Your password has been changed<\/h1>/, 'what was done is said');
  assert.match(text, /refused from its next request on/, 'and what was not');
  return mend;
}

async function reasonOf(visitor: Witness): Promise<unknown> {
  const { status, json } = await visitor.json('/session');
  assert.equal(status, 401);
  return json['reason'];
}

async function signIn(site: Site, given: string): Promise<number> {
  site.clock.advance('1s');
  return (await site.visitor().post('/login', { username: 'ada', password: given })).status;
}

test('G10: the store fails after the password was set: the other sessions are refused from their next request on', async (t) => {
  const site = await open(t);
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  const mend = await changeHalfway(site, visitor, { others: 'on' });
  assert.equal((await phone.json('/session')).status, 503, 'not served while nobody can say');
  mend();
  assert.equal(await reasonOf(phone), 'password_changed');
  assert.equal((await visitor.json('/session')).status, 200, 'the one that is kept');
  assert.equal(await signIn(site, password), 401);
  assert.equal(await signIn(site, fresh), 303);
});

test('the same form again says what has become of the first', async (t) => {
  const site = await open(t);
  const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
  const mend = await changeHalfway(site, visitor, { others: 'on' });
  mend();
  const again = await visitor.post('/account/password', { current: password, new: fresh, others: 'on' });
  assert.match(again.text, /role="status"[^>]*><p class="notice">Your password has been changed\./);
  assert.match(again.text, /role="alert">That is not your current password/);
  assert.doesNotMatch(again.text, /Nothing was changed/);
  assert.equal(await reasonOf(phone), 'password_changed');
});

for (const others of ['on', '']) {
  const which = others ? 'end' : 'stay';

  test(`a sign-in with the old password that was under way does not land, where the others ${which}`, async (t) => {
    const site = await open(t);
    const [visitor, phone, late] = [await site.signedIn(), await site.signedIn(), site.visitor()];
    onceChecked(site, async () => {
      site.clock.advance('1s');
      (await changeHalfway(site, visitor, { others }))();
    });
    assert.equal((await late.post('/login', { username: 'ada', password })).status, 401);
    assert.equal((await late.json('/session')).status, 401);
    assert.equal((await visitor.json('/session')).status, 200);
    assert.equal((await phone.json('/session')).status, others ? 401 : 200);
  });

  test(`the process died between the two steps: the next request makes up for it, where the others ${which}`, async (t) => {
    const site = await open(t);
    const [visitor, phone] = [await site.signedIn(), await site.signedIn()];
    const { users } = site.server.context;
    const { id: except, subject } = (await visitor.json('/session')).json;
    const by = String(subject);
    await users.setPassword(by, fresh, { except: others ? String(except) : 'all', by });
    assert.match((await visitor.get('/account')).text, /role="status"[^>]*><p class="notice">Your password has been/);
    assert.equal((await phone.json('/session')).status, others ? 401 : 200);
    assert.equal(await signIn(site, fresh), 303);
  });
}

test('the first request after may be a sign-in: with the new password it is one, and the others end', async (t) => {
  const site = await open(t);
  const phone = await site.signedIn();
  const { users, sessions } = site.server.context;
  const subject = String((await phone.json('/session')).json['subject']);
  await users.setPassword(subject, fresh, { by: 'operator' });
  // The endings and the check that follows them begin in one millisecond.
  checksTake(site, 20);
  assert.equal(await signIn(site, fresh), 303);
  assert.equal((await sessions.list(subject)).live.length, 1);
  assert.equal(await reasonOf(phone), 'password_changed');
});

test('a sign-in with the new password is one, though another device’s request ends what is owed meanwhile', async (t) => {
  const site = await open(t);
  const phone = await site.signedIn();
  const { users } = site.server.context;
  await users.setPassword(users.byName('ada')?.id ?? '', fresh, { by: 'operator' });
  checksTake(site, 20);
  onceChecked(site, async () => assert.equal(await reasonOf(phone), 'password_changed'));
  assert.equal(await signIn(site, fresh), 303);
});

for (const [path, form] of [
  ['/account/password', { current: fresh, new: 'a third long one', others: 'on' }],
  ['/account/sessions/terminate-others', { password: fresh }],
] as const) {
  test(`the first request after may ask for the password: the new one will do at ${path}`, async (t) => {
    const site = await open(t);
    const visitor = await site.signedIn();
    const { users } = site.server.context;
    const { id, subject } = (await visitor.json('/session')).json;
    await site.pass(601);
    await users.setPassword(String(subject), fresh, { except: String(id), by: String(subject) });
    checksTake(site, 20);
    const { status, headers } = await visitor.post(path, form);
    assert.deepEqual([status, headers.get('location')], [303, '/account']);
  });
}

test('a right password is no failure where what is owed cannot be ended: the throttle holds nobody up for it', async (t) => {
  const site = await open(t);
  const { users } = site.server.context;
  await users.setPassword(users.byName('ada')?.id ?? '', fresh, { by: 'operator' });
  checksTake(site, 20);
  const mend = breakStore(join(site.server.context.config.data, 'sessions.db'));
  const tries = async (): Promise<number> => {
    const { status } = await site.visitor().post('/login', { username: 'ada', password: fresh });
    return status;
  };
  for (let i = 0; i < 7; i++) assert.equal(await tries(), 503);
  mend();
  assert.equal(await signIn(site, fresh), 303);
});

for (const [what, change] of [
  ['password has changed', ({ users }, id) => users.setPassword(id, fresh, { by: 'operator' })],
  ['account has been disabled', ({ users }, id) => users.setDisabled(id, true)],
] satisfies [string, (context: Context, id: string) => unknown][]) {
  test(`who acts as somebody else is refused too once their own ${what}`, async (t) => {
    const site = await open(t);
    const { context } = site.server;
    const idOf = (name: string): string => context.users.byName(name)?.id ?? '';
    const visitor = await site.signedIn();
    const carrier = new Hand();
    const session = await context.sessions.track(visitor.token ?? null, { carrier });
    assert.equal(session.state, 'signed-in');
    if (session.state !== 'signed-in') return;
    await session.impersonate(idOf('ben'), { reason: 'a test' });
    visitor.jar.set([...visitor.jar.keys()][0] ?? '', carrier.token);
    assert.equal((await visitor.json('/session')).status, 200);
    site.clock.advance('1s');
    await change(context, idOf('ada'));
    assert.equal(await reasonOf(visitor), 'subject_changed');
  });
}
