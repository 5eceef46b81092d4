import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';

async function lastEvent(lab: Lab): Promise<unknown[]> {
  const last = (await lab.events()).at(-1);
  return [last?.type, last?.reason, last?.by];
}

test('a session ends by its public id, and only once', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  assert.equal(await lab.sessions.terminate(id), true);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'revoked', 'system']);
  assert.equal(await browser.refusal(), 'session_terminated');
  assert.equal(await lab.sessions.terminate(id, { reason: 'administrator', by: 'root' }), false);
  assert.deepEqual(await lab.told(id), ['signed_in', 'terminated']);
  assert.equal((await lab.sessions.find(id))?.ending?.reason, 'revoked');
});

test('who ends a session and why is kept and told (S-34)', async () => {
  const lab = new Lab();
  const { id } = await (await lab.signedIn()).signedIn();
  await lab.sessions.terminate(id, { reason: 'administrator', by: 'root' });
  assert.deepEqual(await lastEvent(lab), ['terminated', 'administrator', 'root']);
  assert.deepEqual((await lab.sessions.find(id))?.ending, { reason: 'administrator', at: lab.clock.now(), by: 'root' });
});

test('an id that nobody has is no error and ends nothing (S-36)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  for (const id of ['', 'Aunknown', browser.token ?? '', '__proto__']) {
    assert.equal(await lab.sessions.terminate(id), false);
  }
  assert.equal(await browser.refusal(), null);
});

test('a sign-out is the subject’s own, a visitor’s is a visitor’s', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  assert.equal(await (await browser.signedIn()).terminate(), true);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'signed_out', 'u1']);
  assert.equal(browser.token, null);
  const visitor = await lab.browser().visit();
  await visitor.update((draft) => {
    draft.n = 1;
  });
  assert.equal(await visitor.terminate({ reason: 'administrator' }), true);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'administrator', 'visitor']);
});

test('all sessions of a subject end but the one named, and nobody else’s (S-52)', async () => {
  const lab = new Lab();
  const here = await lab.signedIn('u1');
  const others = [await lab.signedIn('u1'), await lab.signedIn('u1', { remember: true })];
  const stranger = await lab.signedIn('u2');
  const { id } = await here.signedIn();
  const options = { except: id, reason: 'password_changed', by: 'u1' } as const;
  assert.equal(await lab.sessions.terminateAll('u1', options), 2);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'password_changed', 'u1']);
  assert.equal(await here.refusal(), null);
  assert.equal(await stranger.refusal(), null);
  for (const browser of others) assert.equal(await browser.refusal(), 'session_terminated');
  assert.equal(await lab.sessions.terminateAll('u1'), 1);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'revoked', 'system']);
  assert.equal(await lab.sessions.terminateAll('u1'), 0);
});

test('a sign-in that was checked before all sessions ended does not land after it (S-52)', async () => {
  const lab = new Lab();
  const late = await lab.browser().visit();
  lab.clock.advance(1);
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  lab.clock.advance(1);
  await assert.rejects(late.signIn('u1'), code('subject_changed'));
  await (await lab.browser().visit()).signIn('u1');
  // The same where the request holds a session.
  const again = await (await lab.signedIn('u2')).signedIn();
  lab.clock.advance(1);
  await lab.sessions.terminateAll('u1');
  lab.clock.advance(1);
  await assert.rejects(again.signIn('u1'), code('subject_changed'));
});

test('a request that wrote on the way keeps the time it began at', async () => {
  const lab = new Lab();
  const late = await lab.browser().visit();
  lab.clock.advance(1);
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  lab.clock.advance(1);
  await late.update((draft) => {
    draft.n = 1;
  });
  await assert.rejects(late.signIn('u1'), code('subject_changed'));
});

test('a disabled subject is out and stays out until enabled (S-53)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1');
  assert.equal(await lab.sessions.disable('u1'), 1);
  assert.deepEqual(await lastEvent(lab), ['terminated', 'account_disabled', 'system']);
  assert.equal(await browser.refusal(), 'session_terminated');
  lab.clock.advance('1d');
  await assert.rejects(lab.signedIn('u1'), code('subject_changed'));
  await lab.sessions.enable('u1');
  // What was checked before the enabling is not to be relied on either.
  await assert.rejects(lab.signedIn('u1', { checkedAt: lab.clock.now() }), code('subject_changed'));
  const back = await lab.signedIn('u1');
  assert.equal(await back.refusal(), null);
  assert.equal(await browser.refusal(), 'session_terminated');
  assert.equal(await lab.sessions.disable('nobody', { by: 'root' }), 0);
});

test('a purge ends everything of a subject and leaves nothing to tell', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1');
  const { id } = await browser.signedIn();
  await (await (await lab.signedIn('u1')).signedIn()).terminate();
  assert.equal(await lab.sessions.purge('u1'), 1);
  assert.equal(await browser.refusal(), 'sign_in_required');
  assert.equal(await lab.sessions.find(id), null);
  assert.deepEqual(await lab.sessions.list('u1'), { live: [], ended: [] });
  assert.doesNotMatch(JSON.stringify(await lab.events()), /"u1"/);
  assert.equal(await lab.sessions.purge('nobody'), 0);
});

test('a sign-out that meets an ended session says so and takes the token all the same (S-51)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  await session.update((draft) => {
    draft.n = 1;
  });
  assert.deepEqual(session.data, { n: 1 });
  await lab.sessions.terminate(session.id);
  assert.equal(await session.terminate(), false);
  assert.equal(browser.token, null);
  assert.deepEqual([session.state, session.data], ['none', {}]);
  assert.equal(await session.terminate(), false);
});

test('a sign-out with a token that was replaced fails visibly: its session would live on unseen (S-51)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const old = browser.token;
  await (await browser.signedIn()).stepUp({ factor: 'totp' });
  const session = await browser.visit({ token: old });
  await assert.rejects(session.terminate(), code('token_replaced'));
  assert.notEqual(browser.token, null);
  assert.equal(await browser.refusal(), null);
});

test('a sign-out that anything overtakes at the last moment tells what became of its session (S-47, S-51)', async () => {
  const ways: Readonly<Record<string, (lab: Lab, browser: Browser, id: string) => Promise<unknown>>> = {
    token_replaced: async (lab, browser) => (await browser.signedIn()).signIn('u1', { checkedAt: lab.clock.now() + 1 }),
    ended: (lab, _browser, id) => lab.sessions.terminate(id),
    forgotten: (lab) => lab.sessions.purge('u1'),
  };
  for (const [outcome, meanwhile] of Object.entries(ways)) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await lab.signedIn();
    const session = await browser.signedIn();
    const other = browser.copy();
    between.before('end', () => meanwhile(lab, other, session.id));
    if (outcome === 'token_replaced') {
      await assert.rejects(session.terminate(), code('token_replaced'));
      assert.notEqual(browser.token, null);
      assert.equal(await other.refusal(), null);
    } else {
      assert.equal(await session.terminate(), false);
      assert.equal(browser.token, null);
    }
  }
});

test('a sign-out during an outage fails visibly and takes nothing away (G8, S-47)', async () => {
  for (const call of ['find', 'end']) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await lab.signedIn();
    const session = await browser.signedIn();
    between.failing = (name) => name === call;
    await assert.rejects(session.terminate(), code('store_unavailable'));
    between.failing = () => false;
    assert.equal(await browser.refusal(), null);
  }
});

test('a sign-out under way when a sign-in replaced its session fails visibly too (S-51)', async () => {
  const lab = new Lab();
  const browser = lab.browser();
  await (await browser.visit()).update((draft) => {
    draft.n = 1;
  });
  const underWay = await browser.visit();
  await (await browser.visit()).signIn('u1', { checkedAt: lab.clock.now() + 1 });
  await assert.rejects(underWay.terminate(), code('token_replaced'));
  assert.notEqual(browser.token, null);
});

test('a subject that is no text is refused, not passed over (G16)', async () => {
  const { sessions } = new Lab();
  for (const call of [sessions.terminateAll, sessions.disable, sessions.purge, sessions.list]) {
    await assert.rejects(async () => Reflect.apply(call, sessions, [42]), code('option_invalid'));
  }
});
