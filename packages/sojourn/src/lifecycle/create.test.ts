import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, type Data, Lab, type Permission } from '../../test/lab.ts';
import type { SignedInSession } from '../session.ts';
import { seededRandom } from '../testing/random.ts';

/** A visitor with a record. */
async function visitor(lab: Lab, data: Partial<Data> = { n: 1 }): Promise<Browser> {
  const browser = lab.browser();
  await (await browser.visit()).update((draft) => {
    Object.assign(draft, data);
  });
  return browser;
}

async function signIn(lab: Lab, browser: Browser, subject = 'u1'): Promise<void> {
  await (await browser.visit()).signIn(subject, { checkedAt: lab.clock.now() + 1 });
}

test('a visitor’s first write makes a session without a subject, with little life', async () => {
  const lab = new Lab();
  const session = await (await visitor(lab)).visit();
  assert.ok(session.state === 'anonymous');
  assert.deepEqual([session.kind, session.subject, session.factors, session.pending], ['anonymous', null, [], null]);
  assert.equal(session.expiresAt - session.createdAt, 2 * 3_600_000);
  assert.deepEqual(await lab.told(session.id), ['created']);
});

test('a sign-in makes a new session with a new id, secret and form token; the old one ends with it (R-007, S-01)', async () => {
  const lab = new Lab();
  const browser = await visitor(lab);
  const before = await browser.visit();
  assert.ok(before.state === 'anonymous');
  const [token, formToken] = [browser.token, before.formToken];
  await signIn(lab, browser);
  const after = await browser.signedIn();
  assert.notEqual(after.id, before.id);
  assert.notEqual(browser.token?.split('.')[1], token?.split('.')[1]);
  assert.notEqual(after.formToken, formToken);
  const ended = await lab.sessions.find(before.id);
  assert.deepEqual(ended?.ending, { reason: 'replaced', at: lab.clock.now(), by: 'u1', replacedBy: after.id });
  assert.equal(await browser.refusal(token), 'token_replaced');
  assert.equal(await browser.refusal(), null);
});

test('a second sign-in of the same person keeps their data, of another person nothing (R-178, S-13)', async () => {
  const lab = new Lab({ policy: { handover: { cart: 'merge' } } });
  const browser = await lab.signedIn('u1');
  await (await browser.signedIn()).update((draft) => {
    draft.cart = ['u1’s'];
  });
  await signIn(lab, browser, 'u1');
  assert.deepEqual((await browser.signedIn()).data, { cart: ['u1’s'] });
  await signIn(lab, browser, 'u2');
  const session = await browser.signedIn();
  assert.deepEqual([session.subject, session.data], ['u2', {}]);
  assert.equal((await lab.sessions.list('u1')).live.length, 0);
});

test('a sign-in again renews both limits', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  lab.clock.advance('20m');
  await signIn(lab, browser);
  const session = await browser.signedIn();
  assert.equal(session.expiresAt, lab.clock.now() + 12 * 3_600_000);
  assert.equal(session.createdAt, lab.clock.now());
});

test('remembered and other kinds are asked for by name; unknown ones are refused (G16)', async () => {
  const lab = new Lab({ policy: { kinds: { kiosk: { absolute: '10m' } } } });
  const kindOf = async (options: Parameters<Lab['signedIn']>[1]): Promise<string> =>
    (await (await lab.signedIn('u1', options)).signedIn()).kind;
  assert.equal(await kindOf({}), 'standard');
  assert.equal(await kindOf({ remember: true }), 'remembered');
  assert.equal(await kindOf({ remember: false }), 'standard');
  assert.equal(await kindOf({ kind: 'kiosk', remember: true }), 'kiosk');
  await assert.rejects(lab.signedIn('u1', { kind: 'anonymous' }), /add the kind "anonymous" to policy/);
  await assert.rejects(lab.signedIn('u1', { kind: 'admin' }), code('option_invalid'));
  await assert.rejects(lab.signedIn(''), code('option_invalid'));
});

test('a double click is one session: the second takes the place of the first (G2, S-42)', async () => {
  const lab = new Lab();
  const browser = await visitor(lab);
  const [first, second] = [await browser.visit(), await browser.visit()];
  const checked = { checkedAt: lab.clock.now() + 1 };
  await first.signIn('u1', checked);
  await first.update((draft) => {
    draft.n = 7;
  });
  await second.signIn('u1', checked);
  assert.equal((await lab.sessions.list('u1')).live.length, 1);
  assert.deepEqual((await browser.signedIn()).data, { n: 7 });
});

test('the second of two takes the place of the first also when it comes with the dead token, within the grace', async () => {
  for (const [wait, sessions] of [
    ['30s', 1],
    [30_001, 2],
  ] as const) {
    const lab = new Lab();
    const browser = await visitor(lab);
    const { token } = browser;
    await signIn(lab, browser);
    lab.clock.advance(wait);
    browser.token = token;
    await signIn(lab, browser);
    assert.equal((await lab.sessions.list('u1')).live.length, sessions, String(wait));
  }
});

test('a dead token gives no hold on somebody else’s session, nor on one that ended or is forgotten (S-01)', async () => {
  for (const then of ['lives', 'ended', 'purged'] as const) {
    const lab = new Lab();
    const victim = await visitor(lab);
    const attacker = victim.copy();
    await signIn(lab, victim, 'u1');
    if (then === 'ended') await lab.sessions.terminateAll('u1');
    if (then === 'purged') await lab.sessions.purge('u1');
    lab.clock.advance(1);
    await signIn(lab, attacker, then === 'lives' ? 'u2' : 'u1');
    assert.equal(await attacker.refusal(), null);
    if (then === 'lives') assert.equal((await victim.signedIn()).subject, 'u1');
  }
});

test('a sign-in that others overtake hands over what they wrote (G4)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, policy: { handover: { cart: 'merge' } } });
  const browser = await visitor(lab, { cart: ['first'] });
  const other = await browser.visit();
  between.before('create', () =>
    other.update((draft) => {
      draft.cart = ['first', 'second'];
    }),
  );
  await signIn(lab, browser);
  assert.deepEqual((await browser.signedIn()).data, { cart: ['first', 'second'] });
});

test('a sign-in whose session ends or gives up its secret meanwhile lands without it', async () => {
  const ways: Readonly<Record<string, (lab: Lab, session: SignedInSession<Data, Permission>) => unknown>> = {
    terminated: (lab, { id }) => lab.sessions.terminate(id),
    'stepped up': (_lab, session) => session.stepUp({ factor: 'totp' }),
    forgotten: (lab) => lab.store.purge('u0', { operation: 'elsewhere' }),
  };
  for (const [meanwhile, act] of Object.entries(ways)) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await lab.signedIn('u0');
    const other = await browser.copy().signedIn();
    between.before('create', () => act(lab, other));
    await signIn(lab, browser);
    assert.deepEqual((await browser.signedIn()).data, {}, meanwhile);
  }
});

test('a sign-in over a session that has just died by the clock lands without it', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  lab.clock.advance('30m');
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  assert.equal(await browser.refusal(), null);
  assert.equal((await lab.sessions.list('u1')).live.length, 1);
});

test('a sign-in that cannot tell what became of its session fails visibly (G8)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await visitor(lab);
  const [session, other] = [await browser.visit(), await browser.visit()];
  between.before('create', async () => {
    await other.update((draft) => {
      draft.n = 2;
    });
    between.failing = (name) => name === 'find';
  });
  await assert.rejects(session.signIn('u1', { checkedAt: lab.clock.now() + 1 }), code('store_unavailable'));
  between.failing = () => false;
  assert.equal((await lab.sessions.list('u1')).live.length, 0);
  assert.equal((await browser.visit()).state, 'anonymous');
});

test('a third click follows the second: what took the place may itself have been written to or replaced', async () => {
  for (const meanwhile of ['written', 'replaced', 'terminated'] as const) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await visitor(lab);
    const late = await browser.visit();
    await signIn(lab, browser);
    const taken = await browser.signedIn();
    between.before('create', () => {});
    between.before('create', async () => {
      if (meanwhile === 'written')
        await taken.update((draft) => {
          draft.n = 9;
        });
      else if (meanwhile === 'replaced') await signIn(lab, browser);
      else await taken.terminate();
    });
    await late.signIn('u1', { checkedAt: lab.clock.now() + 1 });
    assert.equal((await lab.sessions.list('u1')).live.length, 1, meanwhile);
    assert.deepEqual((await browser.signedIn()).data, meanwhile === 'written' ? { n: 9 } : {});
  }
});

test('visitors are bounded by address and by store, and whoever has an account may still sign in (R-042, S-15)', async () => {
  const lab = new Lab({ policy: { mostAnonymous: 2 } });
  await visitor(lab);
  const browser = await visitor(lab);
  await assert.rejects(visitor(lab), /More visitors than policy\.mostAnonymous/);
  await (await lab.browser().visit()).beginSignIn('u1');
  await signIn(lab, browser);
  // One has become a user, one waits for a factor: the place that was freed is taken.
  await assert.rejects(visitor(lab), code('anonymous_refused'));
});

test('over the limit the policy says who goes: nobody, the oldest or the idlest (R-181, S-17)', async () => {
  for (const onLimit of ['refuse', 'end-oldest', 'end-idlest'] as const) {
    const lab = new Lab({ policy: { limit: 2, onLimit } });
    const oldest = await lab.signedIn();
    lab.clock.advance('5m');
    const idlest = await lab.signedIn();
    lab.clock.advance('5m');
    await oldest.signedIn();
    await lab.settle();
    if (onLimit === 'refuse') await assert.rejects(lab.signedIn(), /as many sessions as policy\.limit: end one/);
    else await lab.signedIn();
    const gone = [await oldest.refusal(), await idlest.refusal()].map((refusal) => refusal !== null);
    assert.deepEqual(gone, [onLimit === 'end-oldest', onLimit === 'end-idlest']);
    // Signing in again in the same browser is not one more.
    await signIn(lab, onLimit === 'end-oldest' ? idlest : oldest);
  }
});

test('a kind is looked for among the policy’s own and nowhere else (G6, G16)', async () => {
  const lab = new Lab({ random: seededRandom(3) });
  await assert.rejects(lab.signedIn('u1', { kind: 'constructor' }), code('option_invalid'));
});

test('a sign-in that others of its session come before time and again gives up, and says so', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const overtaken = (): object => {
    between.answering('create', overtaken);
    return { outcome: 'conflict' };
  };
  between.answering('create', overtaken);
  between.calls.length = 0;
  await assert.rejects((await browser.signedIn()).signIn('u1'), code('conflict'));
  assert.equal(between.count('create'), 20);
});
