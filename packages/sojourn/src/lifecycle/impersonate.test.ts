import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';

const hour = 3_600_000;

/** A browser in which `support` acts as `u2`. */
async function acting(
  lab: Lab,
  options: Parameters<Awaited<ReturnType<Browser['signedIn']>>['impersonate']>[1] = { reason: 'ticket 7' },
): Promise<Browser> {
  const browser = await lab.signedIn('support', { permissions: ['admin'] });
  await (await browser.signedIn()).update((draft) => {
    draft.n = 1;
  });
  lab.clock.advance(1);
  await (await browser.signedIn()).impersonate('u2', options);
  lab.clock.advance(1);
  return browser;
}

test('an impersonation is a session of the subject that names who acts, why and until when (S-36, R-146)', async () => {
  const lab = new Lab();
  const session = await (await acting(lab, { reason: 'ticket 7', permissions: ['read', 'read'] })).signedIn();
  assert.deepEqual([session.subject, session.permissions, session.factors], ['u2', ['read'], []]);
  assert.deepEqual([session.kind, session.data], ['standard', {}]);
  const at = session.createdAt;
  assert.deepEqual(session.actor, { subject: 'support', reason: 'ticket 7', at, until: at + hour });
  assert.equal(session.expiresAt, at + hour);
  const [listed] = (await lab.sessions.list('u2')).live;
  assert.deepEqual(listed?.actor, { subject: 'support', reason: 'ticket 7', until: at + hour });
  assert.equal((await lab.sessions.list('support')).live.length, 0);
});

test('its end is one’s own session again, with what it had and its own limit', async () => {
  const lab = new Lab();
  const device = { label: 'Safari on macOS', userAgent: 'x', address: '192.0.2.0/24', addedAt: 1 };
  const browser = await lab.signedIn('support', { permissions: ['admin'], remember: true, device });
  const own = await browser.signedIn();
  await own.update((draft) => {
    draft.n = 1;
  });
  const before = { factors: own.factors, permissions: own.permissions, expiresAt: own.expiresAt, kind: own.kind };
  lab.clock.advance('1m');
  const session = await browser.signedIn();
  await session.impersonate('u2', { reason: 'ticket 7' });
  assert.deepEqual(session.device, device);
  lab.clock.advance('10m');
  const acts = await browser.signedIn();
  await acts.stopImpersonating();
  const { subject, actor, data, factors, permissions, expiresAt, kind } = await browser.signedIn();
  assert.deepEqual([subject, actor, data], ['support', null, { n: 1 }]);
  assert.deepEqual({ factors, permissions, expiresAt, kind }, before);
  assert.deepEqual((await browser.signedIn()).device, device);
});

test('each step ends the token before it (G2)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support');
  const own = browser.token;
  lab.clock.advance(1);
  await (await browser.signedIn()).impersonate('u2', { reason: 'x' });
  const acts = browser.token;
  await (await browser.signedIn()).stopImpersonating();
  assert.deepEqual([await browser.refusal(own), await browser.refusal(acts)], ['token_replaced', 'token_replaced']);
});

test('it lasts as long as asked, as the policy allows, and as one’s own session lives, whichever is shortest', async () => {
  const lastsOf = async (lab: Lab, span: number | undefined): Promise<number> => {
    const session = await (await acting(lab, { reason: 'x', ...(span === undefined ? {} : { for: span }) })).signedIn();
    return session.expiresAt - session.createdAt;
  };
  assert.equal(await lastsOf(new Lab(), 60_000), 60_000);
  assert.equal(await lastsOf(new Lab(), 2 * hour), hour);
  assert.equal(await lastsOf(new Lab({ policy: { impersonateFor: '5m' } }), undefined), 300_000);
  assert.equal(
    await lastsOf(new Lab({ policy: { kinds: { standard: { absolute: '20m' } } } }), undefined),
    20 * 60_000 - 1,
  );
});

test('when its time is over one’s own session is not there any more either', async () => {
  const lab = new Lab();
  const browser = await acting(lab, { reason: 'x', for: '5m' });
  lab.clock.advance('5m');
  assert.equal(await browser.refusal(), 'session_expired_absolute');
});

test('nobody acts through somebody else, as themselves, without a reason, or signed out', async () => {
  const lab = new Lab();
  const nested = await (await acting(lab)).signedIn();
  await assert.rejects(nested.impersonate('u3', { reason: 'x' }), code('state_invalid'));
  const session = await (await lab.signedIn('admin')).signedIn();
  await assert.rejects(session.impersonate('admin', { reason: 'x' }), code('state_invalid'));
  await assert.rejects(session.impersonate('u2', { reason: ' ' }), /impersonate\.reason/);
  await assert.rejects(session.impersonate('u2', { reason: 'x', for: -1 }), code('option_invalid'));
  await assert.rejects(session.stopImpersonating(), code('state_invalid'));
  await session.assertLive();
  await session.beginSignIn('admin');
  await assert.rejects(session.impersonate('u2', { reason: 'x' }), code('state_invalid'));
  await session.terminate();
  await assert.rejects(session.impersonate('u2', { reason: 'x' }), code('sign_in_required'));
});

test('whatever changes the actor’s account ends what they do as others (G10)', async () => {
  const changes: Readonly<Record<string, (lab: Lab) => Promise<unknown>>> = {
    disabled: (lab) => lab.sessions.disable('support'),
    permissions: (lab) => lab.sessions.setPermissions('support', []),
    password: (lab) => lab.sessions.terminateAll('support', { reason: 'password_changed' }),
  };
  for (const [change, make] of Object.entries(changes)) {
    const lab = new Lab();
    const browser = await acting(lab);
    const { id } = await browser.signedIn();
    await make(lab);
    assert.equal(await browser.refusal(), 'session_terminated', change);
    assert.equal((await lab.sessions.find(id))?.ending?.reason, 'subject_changed');
    assert.equal(await browser.refusal(), 'session_terminated');
  }
});

test('a change in the very millisecond it began counts as after it', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support');
  await (await browser.signedIn()).impersonate('u2', { reason: 'x' });
  await lab.sessions.setPermissions('support', []);
  assert.equal(await browser.refusal(), 'session_terminated');
});

test('changes of the subject bite an impersonation as any session of theirs, and give it nothing', async () => {
  const lab = new Lab();
  const browser = await acting(lab, { reason: 'x', permissions: ['read', 'write'] });
  await lab.sessions.setPermissions('u2', ['read', 'admin']);
  assert.deepEqual((await browser.signedIn()).permissions, ['read']);
  assert.deepEqual((await browser.signedIn()).permissions, ['read']);
  await lab.sessions.terminateAll('u2', { reason: 'password_changed' });
  assert.equal(await browser.refusal(), 'session_terminated');
});

test('who is disabled cannot be acted as, and one’s own session goes on', async () => {
  const lab = new Lab();
  await lab.sessions.disable('u2');
  lab.clock.advance(1);
  const browser = await lab.signedIn('support');
  await assert.rejects((await browser.signedIn()).impersonate('u2', { reason: 'x' }), code('subject_changed'));
  assert.equal((await browser.signedIn()).subject, 'support');
});

test('a return to an account that changed meanwhile is refused (G10)', async () => {
  const lab = new Lab();
  const browser = await acting(lab);
  const session = await browser.signedIn();
  await lab.sessions.setPermissions('support', ['read']);
  await assert.rejects(session.stopImpersonating(), code('subject_changed'));
  assert.equal(await browser.refusal(), 'session_terminated');
});

test('it does not count among the subject’s sessions and displaces none', async () => {
  const lab = new Lab({ policy: { limit: 1, onLimit: 'refuse' } });
  const theirs = await lab.signedIn('u2');
  const browser = await acting(lab);
  assert.equal(await browser.refusal(), null);
  assert.equal(await theirs.refusal(), null);
  await (await theirs.visit()).signIn('u2', { checkedAt: lab.clock.now() + 1 });
  assert.equal(await browser.refusal(), null);
});

test('two clicks act once, and what ended meanwhile acts not at all', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support');
  const [first, second] = [await browser.signedIn(), await browser.signedIn()];
  await first.impersonate('u2', { reason: 'x' });
  await assert.rejects(second.impersonate('u2', { reason: 'x' }), code('sign_in_required'));
  assert.equal((await lab.sessions.list('u2')).live.length, 1);
  const [stop, late] = [await browser.signedIn(), await browser.signedIn()];
  await lab.sessions.terminate(stop.id);
  await assert.rejects(stop.stopImpersonating(), /The impersonation has ended/);
  await assert.rejects(late.stopImpersonating(), code('sign_in_required'));
  const out = await (await lab.signedIn('support')).signedIn();
  await lab.sessions.terminate(out.id);
  await assert.rejects(out.impersonate('u2', { reason: 'x' }), /Your own session has ended/);
});

test('one’s own data as it is when the impersonation begins is what one returns to (G4)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn('support');
  const other = await browser.signedIn();
  const session = await browser.signedIn();
  between.before('create', () =>
    other.update((draft) => {
      draft.n = 7;
    }),
  );
  await session.impersonate('u2', { reason: 'x' });
  await session.stopImpersonating();
  assert.deepEqual(session.data, { n: 7 });
});

test('a request under way is refused once its actor is disabled (G10, G17)', async () => {
  const lab = new Lab();
  const session = await (await acting(lab)).signedIn();
  await lab.sessions.disable('support');
  await assert.rejects(session.assertLive(), code('session_terminated'));
});

test('what waits on an impersonation is told when its actor is disabled (G12)', async () => {
  const lab = new Lab();
  const { signal } = await (await acting(lab)).signedIn();
  await settled();
  await lab.sessions.disable('support');
  await settled();
  assert.equal(signal.aborted, true);
});

test('a disabled actor is refused also where the last visit is still to be written (G10)', async () => {
  const lab = new Lab();
  const browser = await acting(lab);
  lab.clock.advance(30 * 60_000 - 101);
  await browser.signedIn();
  await lab.sessions.disable('support');
  lab.clock.advance(200);
  assert.equal(await browser.refusal(), 'session_terminated');
});

test('suspicion of a copied token is not washed off by acting as somebody else (R-228)', async () => {
  const lab = new Lab({ policy: { onReuse: 'step-up' } });
  const browser = await lab.signedIn('support');
  const copy = browser.copy();
  for (let i = 0; i < 2; i++) {
    await (await browser.signedIn()).rotate();
    await browser.signedIn();
    lab.clock.advance('1m');
  }
  assert.equal(await copy.refusal(), 'reuse_detected');
  const session = await browser.signedIn();
  await session.impersonate('u2', { reason: 'x' }).catch(() => {});
  await session.stopImpersonating().catch(() => {});
  assert.ok((await lab.store.find(session.id))?.suspectAt);
});

test('coming back does not exceed the limit of sessions (G9)', async () => {
  const lab = new Lab({ policy: { limit: 1 } });
  const browser = await acting(lab);
  await lab.signedIn('support');
  await (await browser.signedIn()).stopImpersonating();
  assert.equal((await lab.sessions.list('support')).live.length, 1);
});

test('a second click on the way back does not undo what was written after the first (G4)', async () => {
  const lab = new Lab();
  const browser = await acting(lab);
  const [first, second] = [await browser.signedIn(), await browser.signedIn()];
  await first.stopImpersonating();
  await first.update((draft) => {
    draft.n = 2;
  });
  await second.stopImpersonating().catch(() => {});
  assert.equal((await browser.signedIn()).data.n, 2);
});

/** A browser in which `support` acts as `u2` and has written something. */
async function takingNotes(lab: Lab): Promise<Browser> {
  const browser = await acting(lab);
  await (await browser.signedIn()).update((draft) => {
    draft.draft = 'support’s notes';
  });
  return browser;
}

test('what the actor left in a lost impersonation does not reach the subject’s own next sign-in (R-178)', async () => {
  const lab = new Lab();
  const browser = await takingNotes(lab);
  const session = await browser.signedIn();
  const stale = browser.copy();
  await session.rotate();
  await browser.signedIn();
  lab.clock.advance('30s');
  assert.equal(await stale.refusal(), 'rotation_lost');
  assert.deepEqual((await (await lab.signedIn('u2')).signedIn()).data, {});
});

test('what was written while acting does not cross to the subject’s own sign-in in the same browser (R-178)', async () => {
  const lab = new Lab();
  const browser = await takingNotes(lab);
  lab.clock.advance(1);
  await (await browser.signedIn()).signIn('u2');
  const own = await browser.signedIn();
  assert.deepEqual([own.subject, own.actor, own.data], ['u2', null, {}]);
});

test('a permission that was given and not seen yet is there on the way back (G10)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support', { permissions: ['read'] });
  lab.clock.advance(1);
  await lab.sessions.setPermissions('support', ['read', 'admin']);
  lab.clock.advance(1);
  await (await browser.signedIn()).impersonate('u2', { reason: 'ticket 7' });
  await (await browser.signedIn()).stopImpersonating();
  assert.deepEqual((await browser.signedIn()).permissions, ['read', 'admin']);
});

test('who signs out while acting is named as who did it (G11)', async () => {
  const lab = new Lab();
  const browser = await acting(lab);
  await (await browser.signedIn()).terminate();
  const [ended] = (await lab.sessions.list('u2')).ended;
  assert.deepEqual([ended?.reason, ended?.by, ended?.actor], ['signed_out', 'support', 'support']);
});

test('an impersonation for no time at all is refused, and one’s own session goes on', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support');
  const session = await browser.signedIn();
  await assert.rejects(session.impersonate('u2', { reason: 'x', for: '0s' }), code('option_invalid'));
  assert.equal((await browser.signedIn()).subject, 'support');
});

test('suspicion that falls on one’s session in the same moment is not washed off either (R-228)', async () => {
  const between = new Between();
  const lab = new Lab({ policy: { onReuse: 'step-up' }, around: between.around });
  const browser = await lab.signedIn('support');
  const copy = browser.copy();
  for (let i = 0; i < 2; i++) {
    await (await browser.signedIn()).rotate();
    await browser.signedIn();
    lab.clock.advance('1m');
  }
  const session = await browser.signedIn();
  between.before('create', () => copy.refusal());
  await assert.rejects(session.impersonate('u2', { reason: 'x' }), code('fresh_proof_required'));
});
