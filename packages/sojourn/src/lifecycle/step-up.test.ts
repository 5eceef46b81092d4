import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';
import { memory } from '../stores/memory.ts';

async function stepUp(browser: Browser, factor = 'totp'): Promise<void> {
  await (await browser.signedIn()).stepUp({ factor });
}

test('a step-up records its proof and keeps session, data and limits (R-131, R-114)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const before = await browser.signedIn();
  await before.update((draft) => {
    draft.n = 1;
  });
  lab.clock.advance('5m');
  const session = await browser.signedIn();
  await session.stepUp({ factor: 'totp' });
  assert.equal(session.id, before.id);
  assert.deepEqual(session.data, { n: 1 });
  assert.equal(session.expiresAt, before.expiresAt);
  assert.deepEqual(session.factors, [
    { method: 'password', at: before.createdAt },
    { method: 'totp', at: lab.clock.now() },
  ]);
  assert.deepEqual((await browser.signedIn()).factors, session.factors);
});

test('the same proof again is one proof, the newest', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  await stepUp(browser, 'totp');
  lab.clock.advance('5m');
  await stepUp(browser, 'password');
  assert.deepEqual(
    (await browser.signedIn()).factors.map(({ method, at }) => [method, lab.clock.now() - at]),
    [
      ['totp', 300_000],
      ['password', 0],
    ],
  );
});

test('the token before it is refused at once and for ever, without a grace (G2, S-35, S-42)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const old = browser.token;
  await stepUp(browser);
  assert.equal(await browser.refusal(old), 'token_replaced');
  lab.clock.advance('20m');
  assert.equal(await browser.refusal(old), 'token_replaced');
  // And it does no harm to the session that goes on.
  assert.equal(await browser.refusal(), null);
});

test('a successor that was offered before it is dead too', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn({ lost: true });
  await session.rotate();
  const offered = browser.handed.at(-1) ?? null;
  await session.stepUp({ factor: 'totp' });
  assert.equal(await browser.refusal(offered), 'token_replaced');
  assert.equal(await browser.refusal(browser.handed.at(-1)), null);
});

test('a token in its grace is dead with the step-up, and so is what it holds', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const old = browser.token;
  await (await browser.signedIn()).rotate();
  await browser.signedIn();
  const inGrace = await browser.signedIn({ token: old });
  await stepUp(browser);
  assert.equal(await browser.refusal(old), 'token_replaced');
  await assert.rejects(inGrace.assertLive(), code('token_replaced'));
});

test('a request in its grace may step up: its answer carries the token from then on', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const old = browser.token;
  await (await browser.signedIn()).rotate();
  await browser.signedIn();
  const current = browser.token;
  await (await browser.signedIn({ token: old })).stepUp({ factor: 'totp' });
  assert.equal(await browser.refusal(), null);
  assert.equal(await browser.refusal(current), 'token_replaced');
});

test('a rotation right after it, in the same request, has nothing to do: the token is new', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  await session.stepUp({ factor: 'totp' });
  const count = browser.handed.length;
  await session.rotate();
  assert.equal(browser.handed.length, count);
  await (await browser.signedIn()).rotate();
  assert.equal((await browser.signedIn()).id, session.id);
});

test('rotation goes on after it, and again after the next', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  for (let round = 0; round < 3; round++) {
    await stepUp(browser);
    const old = browser.token;
    await (await browser.signedIn()).rotate();
    await browser.signedIn();
    assert.equal(await browser.refusal(old), null);
    lab.clock.advance('5s');
  }
});

test('permissions that waited for a new token are in force with it', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read'] });
  await lab.sessions.setPermissions('u1', ['read', 'admin']);
  lab.clock.advance('1s');
  const session = await browser.signedIn();
  await session.stepUp({ factor: 'totp' });
  assert.deepEqual(session.permissions, ['read', 'admin']);
  assert.deepEqual((await browser.signedIn()).permissions, ['read', 'admin']);
  assert.equal((await lab.store.find(session.id))?.grants, undefined);
});

test('a form token from before it is good no more (S-07, R-150)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  const before = session.formToken;
  await session.stepUp({ factor: 'totp' });
  assert.equal(session.verifyFormToken(before), false);
  assert.equal(session.verifyFormToken(session.formToken), true);
});

test('a change that others make meanwhile is kept (G4)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const other = await browser.signedIn();
  const session = await browser.signedIn();
  between.before('update', () =>
    other.update((draft) => {
      draft.n = 1;
    }),
  );
  await session.stepUp({ factor: 'totp' });
  assert.deepEqual(session.data, { n: 1 });
  assert.equal(session.factors.at(-1)?.method, 'totp');
});

test('of two at once one wins and the other is told that its token was replaced (G2)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const [first, second] = [await browser.signedIn(), await browser.signedIn()];
  const outcomes = await Promise.allSettled([first.stepUp({ factor: 'a' }), second.stepUp({ factor: 'b' })]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(await browser.refusal(), null);
});

test('only a person who is signed in as themselves can step up', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  await session.impersonate('u2', { reason: 'ticket 7' });
  await assert.rejects(session.stepUp({ factor: 'totp' }), code('state_invalid'));
  const ended = await (await lab.signedIn('u3')).signedIn();
  await ended.terminate();
  await assert.rejects(ended.stepUp({ factor: 'totp' }), code('sign_in_required'));
  // What a request holds may have become a visitor’s since the handler looked.
  const pending = await (await lab.signedIn('u4')).signedIn();
  await pending.beginSignIn('u4');
  await assert.rejects(pending.stepUp({ factor: 'totp' }), code('state_invalid'));
});

test('a proof that was checked before the account changed is none, also in a session that stays (S-52)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  lab.clock.advance('1s');
  // Between the old password's check and what follows from it, another device changes the password and keeps this one.
  await lab.sessions.terminateAll('u1', { except: session.id, reason: 'password_changed' });
  lab.clock.advance('1s');
  await assert.rejects(session.stepUp({ factor: 'password' }), code('subject_changed'));
  const after = await browser.signedIn();
  assert.deepEqual(after.factors, session.factors);
  await after.stepUp({ factor: 'password' });
  // Where the same request has made the change, it says when it has looked.
  await lab.sessions.terminateAll('u1', { except: after.id });
  lab.clock.advance('1s');
  await after.stepUp({ factor: 'totp', checkedAt: lab.sessions.now() });
  assert.equal((await browser.signedIn()).factors.length, 2);
});

test('a change hides behind no other that lies in the future since the clock was set back, until a sign-in has set that right', async () => {
  let back = 0;
  const lab = new Lab({ engine: (now) => memory({ now: () => now() - back }) });
  const browser = await lab.signedIn();
  lab.clock.advance('1m');
  await lab.sessions.setPermissions('u1', ['read']);
  back = 50_000;
  const session = await browser.signedIn();
  const checkedAt = lab.sessions.now();
  lab.clock.advance('1s');
  await lab.sessions.terminateAll('u1', { except: session.id, reason: 'password_changed' });
  lab.clock.advance('1s');
  await assert.rejects(session.stepUp({ factor: 'password', checkedAt }), code('subject_changed'));
  const signIn = (): Promise<Browser> => lab.signedIn('u1', { checkedAt: lab.sessions.now() });
  await assert.rejects(signIn(), code('subject_changed'));
  lab.clock.advance('1s');
  await signIn();
  await session.stepUp({ factor: 'password', checkedAt: lab.sessions.now() });
});

test('a step-up does not count for an account that has been disabled meanwhile, and needs a moment that is one', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  await assert.rejects(session.stepUp({ factor: 'totp', checkedAt: Number.NaN }), code('option_invalid'));
  await lab.sessions.disable('u1');
  lab.clock.advance('1s');
  await assert.rejects(session.stepUp({ factor: 'totp' }), code('session_terminated'));
});
