import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Asked, device } from '../test/asked.ts';
import { Between, settled } from '../test/between.ts';
import { code, type Data, Lab, type Permission } from '../test/lab.ts';
import { SojournError } from './lifecycle/errors.ts';
import { checkRequirement, type Requirement } from './lifecycle/permissions.ts';
import type { SignedInSession, Write } from './session.ts';
import { internalsOf } from './tracked-session.ts';

test('without a session there is nothing to read, and what needs one says that a sign-in is missing', async () => {
  const session = await new Lab().browser().visit();
  const { state, id, subject, pending, permissions, data, refused } = session;
  assert.deepEqual(
    { state, id, subject, pending, permissions, data, refused },
    {
      state: 'none',
      id: null,
      subject: null,
      pending: null,
      permissions: [],
      data: {},
      refused: null,
    },
  );
  assert.equal(session.has('read'), false);
  assert.equal(await session.terminate(), false);
  await assert.rejects(session.assertLive(), code('sign_in_required'));
  for (const name of [
    'kind',
    'factors',
    'createdAt',
    'expiresAt',
    'idleUntil',
    'signal',
    'formToken',
    'device',
    'actor',
  ]) {
    assert.throws(() => Reflect.get(session, name), code('sign_in_required'), name);
  }
});

test('a session shows who, since when, until when and by which proof', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read'], device });
  const began = lab.clock.now();
  lab.clock.advance('10m');
  const session = await browser.signedIn();
  const { kind, createdAt, signedInAt, lastSeenAt, idleUntil, expiresAt, factors, actor } = session;
  assert.deepEqual(
    { kind, createdAt, signedInAt, lastSeenAt, idleUntil, expiresAt, factors, actor },
    {
      kind: 'standard',
      createdAt: began,
      signedInAt: began,
      lastSeenAt: began + 600_000,
      idleUntil: began + 2_400_000,
      expiresAt: began + 43_200_000,
      factors: [{ method: 'password', at: began }],
      actor: null,
    },
  );
  assert.deepEqual(session.device, device);
  assert.deepEqual([session.has('read'), session.has('admin')], [true, false]);
});

test('data is frozen all the way down, and a write is seen at once', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  await session.update((draft) => {
    draft.cart = ['a'];
  });
  const { data } = session;
  assert.equal(session.data, data);
  // In the words of docs/errors.md, which are the engine's.
  assert.throws(() => Object.assign(data, { n: 1 }), /^TypeError: Cannot add property n, object is not extensible$/);
  assert.throws(() => Object.assign(data, { cart: [] }), /^TypeError: Cannot assign to read only property 'cart'/);
  assert.throws(() => Reflect.apply(Array.prototype.push, data.cart, ['b']), TypeError);
  await session.update((draft) => {
    draft.cart?.push('b');
  });
  assert.deepEqual([session.data.cart, data.cart], [['a', 'b'], ['a']]);
});

test('writes of one request go one after another: two first writes are one session', async () => {
  const lab = new Lab();
  const asked = new Asked();
  const session = await asked.track(lab);
  await Promise.all([
    session.update((draft) => {
      draft.n = 1;
    }),
    session.update((draft) => {
      draft.draft = `beside ${draft.n}`;
    }),
  ]);
  assert.equal(asked.issued.length, 1);
  assert.deepEqual(session.data, { n: 1, draft: 'beside 1' });
  // One that fails does not hold up the next.
  const failing = session.update(() => {
    throw new RangeError('no');
  });
  const next = session.update((draft) => {
    draft.n = 2;
  });
  await assert.rejects(failing, RangeError);
  await next;
  assert.equal(session.data.n, 2);
});

test('a request is asked before each write: whether its token may change, and whether it must prove its origin', async () => {
  const lab = new Lab();
  const asked = new Asked();
  const session = await asked.track(lab);
  const onSignedIn = (write: (live: SignedInSession<Data, Permission>) => Promise<unknown>): Promise<unknown> => {
    assert.ok(session.state === 'signed-in');
    return write(session);
  };
  const writes: Readonly<Record<string, readonly [() => Promise<unknown>, Write]>> = {
    'first update': [() => session.update(() => {}), { changesToken: true, needsEvidence: false }],
    update: [() => session.update(() => {}), { changesToken: false, needsEvidence: false }],
    beginSignIn: [() => session.beginSignIn('u1'), { changesToken: true, needsEvidence: true }],
    'beginSignIn of a callback': [
      () => session.beginSignIn('u1', { anyOrigin: true }),
      { changesToken: true, needsEvidence: false },
    ],
    signIn: [() => session.signIn('u1'), { changesToken: true, needsEvidence: true }],
    'signIn of a callback': [
      () => session.signIn('u1', { anyOrigin: true }),
      { changesToken: true, needsEvidence: false },
    ],
    rotate: [() => onSignedIn((live) => live.rotate()), { changesToken: true, needsEvidence: false }],
    stepUp: [() => onSignedIn((live) => live.stepUp({ factor: 'totp' })), { changesToken: true, needsEvidence: true }],
    impersonate: [
      () => onSignedIn((live) => live.impersonate('u2', { reason: 'x' })),
      { changesToken: true, needsEvidence: true },
    ],
    stopImpersonating: [
      () => onSignedIn((live) => live.stopImpersonating()),
      { changesToken: true, needsEvidence: true },
    ],
    terminate: [() => session.terminate(), { changesToken: true, needsEvidence: true }],
    begin: [() => internalsOf(session).begin(), { changesToken: true, needsEvidence: false }],
  };
  for (const [name, [write, expected]] of Object.entries(writes)) {
    await write();
    assert.deepEqual(asked.writes.at(-1), expected, name);
  }
  assert.equal(asked.done, asked.writes.length);
  assert.equal(asked.cleared, 1);
});

test('where the request refuses nothing reaches the store', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const asked = new Asked();
  const session = await asked.track(lab);
  asked.refusing = new SojournError('cross_site', 'no');
  await assert.rejects(session.signIn('u1'), code('cross_site'));
  await assert.rejects(
    session.update(() => {}),
    code('cross_site'),
  );
  assert.deepEqual(between.calls, []);
});

test('a write that fails is done with as well', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const asked = new Asked();
  const session = await asked.track(lab);
  between.failing = () => true;
  await assert.rejects(session.signIn('u1'), code('store_unavailable'));
  assert.equal(asked.done, 1);
  assert.deepEqual([session.state, asked.issued], ['none', []]);
});

test('only a remembered session’s cookie outlives the browser, as long as the session may (R-094)', async () => {
  const lab = new Lab();
  const asked = new Asked();
  const session = await asked.track(lab);
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  assert.equal(asked.issued.at(-1)?.maxAge, null);
  await session.signIn('u1', { remember: true, checkedAt: lab.clock.now() + 1 });
  assert.equal(asked.issued.at(-1)?.maxAge, 30 * 86_400);
  assert.equal(internalsOf(session).maxAge(), 30 * 86_400);
  lab.clock.advance('1d');
  const later = new Asked();
  await later.track(lab, asked.token);
  assert.equal(later.issued.at(-1)?.maxAge, 29 * 86_400);
});

test('the device of the request is kept with the session, unless the caller names another', async () => {
  const lab = new Lab();
  const checkedAt = lab.clock.now() + 1;
  const session = await new Asked().track(lab);
  await session.signIn('u1', { checkedAt });
  assert.deepEqual((await lab.sessions.find(session.id ?? ''))?.device, device);
  await session.signIn('u1', { checkedAt, device: { ...device, label: 'Kiosk 7' } });
  assert.equal((await lab.sessions.find(session.id ?? ''))?.device?.label, 'Kiosk 7');
  // Where the request has none to tell there is none.
  assert.equal((await (await lab.signedIn('u2')).signedIn()).device, null);
});

test('a body is read to its end before the session is looked up once more (G17, S-45)', async () => {
  const lab = new Lab();
  const asked = new Asked();
  const session = await asked.track(lab);
  assert.equal(await (await session.body()).text(), 'the body');
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  await session.body();
  await lab.sessions.terminateAll('u1');
  await assert.rejects(session.body(), code('session_terminated'));
});

test('a form token is this session’s and no other value is it', async () => {
  const lab = new Lab();
  const [session, other] = [await (await lab.signedIn()).signedIn(), await (await lab.signedIn()).signedIn()];
  assert.equal(session.verifyFormToken(session.formToken), true);
  for (const value of [other.formToken, '', `${session.formToken} `, undefined, null, 5, [session.formToken], {}]) {
    assert.equal(session.verifyFormToken(value), false);
  }
});

test('a signal stays the same to the end, and a new session has a new one (G12)', async () => {
  const lab = new Lab();
  const session = await (await lab.signedIn()).signedIn();
  const first = session.signal;
  await session.stepUp({ factor: 'totp' });
  assert.equal(session.signal, first);
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  assert.equal(first.aborted, true);
  const second = session.signal;
  assert.deepEqual([second === first, second.aborted], [false, false]);
  await session.terminate();
  await settled();
  assert.deepEqual([session.signal === second, second.aborted], [true, true]);
});

test('a rule is told what is missing, and why the token that came was refused', async () => {
  const lab = new Lab();
  const missing = (session: object, requirement: Requirement = {}): string | null =>
    internalsOf(session).unmet(checkRequirement(requirement))?.code ?? null;
  assert.equal(missing(await lab.browser().visit()), 'sign_in_required');
  const visitor = await lab.browser().visit();
  await visitor.beginSignIn('u1');
  assert.equal(missing(visitor), 'sign_in_required');
  const browser = await lab.signedIn('u1', { permissions: ['read'] });
  const session = await browser.signedIn();
  assert.equal(missing(session), null);
  assert.equal(missing(session, { permission: 'read', within: '1m', factor: 'password' }), null);
  assert.equal(missing(session, { permission: 'admin' }), 'permission_missing');
  assert.equal(missing(session, { factor: 'totp' }), 'fresh_proof_required');
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  const endedAt = lab.clock.now();
  const why = internalsOf(session);
  assert.match(why.unmet(checkRequirement({ permission: 'admin' }))?.message ?? '', /lacks the permission admin\./);
  const says = (of: object, requirement: Requirement): string =>
    internalsOf(of).unmet(checkRequirement(requirement))?.message ?? '';
  assert.match(says(session, { factor: 'totp' }), /There is no proof by totp yet/);
  lab.clock.advance('2m');
  assert.match(says(session, { within: '1m' }), /The last proof is too old/);
  assert.match(says(session, { within: '1m', factor: 'password' }), /The last proof by password is too old/);
  const unproved = await (await lab.signedIn('u2', { factor: 'password' })).signedIn();
  await unproved.signIn('u2');
  assert.match(says(unproved, { within: '1m' }), /There is no proof yet/);
  const refusal = internalsOf(await browser.visit()).unmet(checkRequirement());
  assert.deepEqual([refusal?.code, refusal?.reason, refusal?.at], ['session_terminated', 'password_changed', endedAt]);
  assert.throws(() => internalsOf({}), /not a session of this library/);
});

test('an update within an update’s change is refused, not waited for for ever', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  const nested: Promise<unknown> = Reflect.apply(session.update, session, [() => session.update(() => {})]);
  const ended = nested.then(
    () => true,
    () => true,
  );
  assert.equal(await Promise.race([ended, settled().then(() => false)]), true);
});
