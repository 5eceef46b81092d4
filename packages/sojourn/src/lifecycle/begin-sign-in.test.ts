import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';
import { memory } from '../stores/memory.ts';

const minute = 60_000;

/** A browser whose password was right and whose second factor is open. */
async function waiting(lab: Lab, subject = 'u1'): Promise<Browser> {
  const browser = lab.browser();
  await (await browser.visit()).beginSignIn(subject, { factor: 'password' });
  return browser;
}

async function complete(lab: Lab, browser: Browser, subject = 'u1'): Promise<void> {
  await (await browser.visit()).signIn(subject, { factor: 'totp', checkedAt: lab.clock.now() + 1 });
}

test('with a second factor open nobody is signed in, and the request says who it waits for (R-040, S-14)', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  const session = await browser.visit();
  assert.ok(session.state === 'anonymous');
  assert.deepEqual([session.subject, session.permissions, session.factors], [null, [], []]);
  assert.deepEqual(session.pending, {
    subject: 'u1',
    factors: [{ method: 'password', at: lab.clock.now() }],
    checkedAt: lab.clock.now(),
    until: lab.clock.now() + 10 * minute,
  });
  assert.equal((await lab.sessions.list('u1')).live.length, 0);
});

test('the second factor makes a new session with both proofs, and the half-way token is dead (R-054, S-14)', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  const [token, provedAt] = [browser.token, lab.clock.now()];
  lab.clock.advance('1m');
  await complete(lab, browser);
  const session = await browser.signedIn();
  assert.deepEqual(session.factors, [
    { method: 'password', at: provedAt },
    { method: 'totp', at: provedAt + minute },
  ]);
  assert.equal(session.pending, null);
  assert.equal(await browser.refusal(token), 'token_replaced');
});

test('each step has a token of its own', async () => {
  const lab = new Lab();
  const browser = lab.browser();
  await (await browser.visit()).update((draft) => {
    draft.n = 1;
  });
  const visitor = browser.token;
  await (await browser.visit()).beginSignIn('u1');
  const half = browser.token;
  await (await browser.visit()).beginSignIn('u1');
  assert.deepEqual([await browser.refusal(visitor), await browser.refusal(half)], ['token_replaced', 'token_replaced']);
  // A visitor’s data waits with them.
  assert.deepEqual((await browser.visit()).data, { n: 1 });
});

test('the first proof counts for its subject only, and only for its time (R-040)', async () => {
  for (const [subject, wait, methods] of [
    ['u1', 10 * minute - 1, ['password', 'totp']],
    ['u1', 10 * minute, ['totp']],
    ['u2', 0, ['totp']],
  ] as const) {
    const lab = new Lab();
    const browser = await waiting(lab);
    lab.clock.advance(wait);
    assert.equal((await browser.visit()).pending === null, wait === 10 * minute);
    await complete(lab, browser, subject);
    const { factors } = await browser.signedIn();
    assert.deepEqual(
      factors.map(({ method }) => method),
      methods,
    );
  }
});

test('a first step without a named proof has none to carry', async () => {
  const lab = new Lab();
  const browser = lab.browser();
  const session = await browser.visit();
  await session.beginSignIn('u1');
  assert.deepEqual(session.pending?.factors, []);
});

test('it begins anew over a session of anybody, which ends with what it held', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['admin'] });
  const own = await browser.signedIn();
  await own.update((draft) => {
    draft.n = 1;
  });
  const { token } = browser;
  await own.beginSignIn('u2');
  assert.equal(await browser.refusal(token), 'token_replaced');
  const session = await browser.visit();
  assert.deepEqual([session.state, session.data, session.permissions], ['anonymous', {}, []]);
});

test('a change that lies in the future since the clock was set back keeps nobody from the first step', async () => {
  let back = 0;
  const lab = new Lab({ engine: (now) => memory({ now: () => now() - back }) });
  await lab.sessions.setPermissions('u1', ['read']);
  back = 50_000;
  const session = await lab.browser().visit();
  await session.beginSignIn('u1', { checkedAt: lab.sessions.now() });
  assert.equal(session.pending?.subject, 'u1');
  // The sign-in itself is refused once, and no more.
  lab.clock.advance('1s');
  await assert.rejects(session.signIn('u1', { checkedAt: lab.sessions.now() }), code('subject_changed'));
});

test('a disabled subject gets no further than the first step (S-53)', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  await lab.sessions.disable('u1');
  lab.clock.advance(1);
  await assert.rejects(complete(lab, browser), code('subject_changed'));
});

test('a half-way session lives no longer than a visitor’s', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  lab.clock.advance('30m');
  assert.equal(await browser.refusal(), 'session_expired_idle');
});

test('a password that changed between the two steps makes the first worthless (S-52)', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  lab.clock.advance('1m');
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  lab.clock.advance('1m');
  const session = await browser.visit();
  await assert.rejects(session.signIn('u1', { factor: 'totp' }), code('subject_changed'));
});

test('a first step that was checked before a password change does not land after it', async () => {
  const lab = new Lab();
  const session = await lab.browser().visit();
  lab.clock.advance('1m');
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  lab.clock.advance('1m');
  await assert.rejects(session.beginSignIn('u1', { checkedAt: lab.clock.now() - 2 * minute }), code('subject_changed'));
});

test('to end the half-way session at the right moment does not make an old password new (S-14, G10)', async () => {
  for (const end of ['terminate', 'terminateAll'] as const) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await waiting(lab);
    lab.clock.advance('1s');
    await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
    lab.clock.advance('1s');
    const session = await browser.visit();
    const { id } = session;
    between.before('create', () => (end === 'terminate' ? lab.sessions.terminate(id ?? '') : null));
    await assert.rejects(
      session.signIn('u1', { factor: 'totp', checkedAt: lab.clock.now() + 1 }),
      end === 'terminate' ? code('sign_in_required') : code('subject_changed'),
    );
  }
});

test('a second factor sent twice keeps both proofs', async () => {
  const lab = new Lab();
  const browser = await waiting(lab);
  const [one, two] = [await browser.visit(), await browser.visit()];
  for (const session of [one, two]) {
    await session.signIn('u1', { factor: 'totp', checkedAt: lab.clock.now() + 1 });
  }
  const { factors } = await browser.signedIn();
  assert.deepEqual(
    factors.map(({ method }) => method),
    ['password', 'totp'],
  );
});
