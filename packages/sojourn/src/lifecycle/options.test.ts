import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code, Lab } from '../../test/lab.ts';
import { expressSessions } from '../frameworks/express.ts';
import { createSessions } from '../sessions.ts';
import { memory } from '../stores/memory.ts';

/* What code without types, or with a mistyped name, passes: refused with the fix, and nothing is done. */

const refused = code('option_invalid');

/** Calls with arguments that the types would not let through. */
function call(target: object, name: string, ...given: unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(target, name);
  assert.ok(typeof method === 'function');
  return (async () => Reflect.apply(method, target, given))();
}

test('G16: a rule whose name is undefined or no text is refused; it would open the route', () => {
  const web = expressSessions(new Lab().sessions);
  for (const requirement of [
    { permission: undefined },
    { permission: '' },
    { permission: ['a'] },
    { permission: 5 },
    { within: undefined },
    { factor: undefined },
    null,
  ]) {
    assert.throws(() => Reflect.apply(web.requireSignIn, web, [requirement]), refused, JSON.stringify(requirement));
  }
});

test('G16: a sign-in, step-up or impersonation with options that nobody knows is refused', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  for (const [name, ...given] of [
    ['signIn', 'u2', { factr: 'password' }],
    ['signIn', 'u2', { permissions: 'orders:read' }],
    ['signIn', 'u2', { permissions: [undefined] }],
    ['signIn', 'u2', { factor: '' }],
    ['signIn', 7],
    ['signIn', 'u2', { checkedAt: Number.NaN }],
    ['signIn', 'u2', { checkedAt: 'yesterday' }],
    ['signIn', 'u2', { checkedAt: Number.POSITIVE_INFINITY }],
    ['signIn', 'u2', { device: 'phone' }],
    ['signIn', 'u2', { device: { label: 'phone' } }],
    ['beginSignIn', 'u2', { checkedAt: Number.NaN }],
    ['beginSignIn', 'u2', { permissions: [] }],
    ['stepUp'],
    ['stepUp', {}],
    ['stepUp', { factor: undefined }],
    ['impersonate', 'u2', {}],
    ['impersonate', 'u2', { reason: ' ' }],
    ['impersonate', 'u2', { reason: 'x', permissions: 'all' }],
    ['update', { n: 1 }],
    ['terminate', { resaon: 'administrator' }],
    ['terminate', { reason: 'bored' }],
  ] as const) {
    await assert.rejects(call(session, name, ...given), refused, `${name} ${JSON.stringify(given)}`);
  }
  const after = await browser.signedIn();
  assert.deepEqual([after.id, after.factors], [session.id, session.factors]);
});

test('G16: an end for all but a mistyped session ends nobody', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  await assert.rejects(call(lab.sessions, 'terminateAll', 'u1', { expect: id }), refused);
  await assert.rejects(call(lab.sessions, 'terminate', id, { why: 'x' }), refused);
  await assert.rejects(call(lab.sessions, 'terminate', id, { reason: 'bored' }), refused);
  await assert.rejects(call(lab.sessions, 'terminateAll', 'u1', { reason: 'bored' }), refused);
  await assert.rejects(call(lab.sessions, 'disable', 'u1', { buy: 'root' }), refused);
  await assert.rejects(call(lab.sessions, 'sweep', { mots: 5 }), refused);
  await assert.rejects(call(lab.sessions, 'sweep', { most: Number.NaN }), refused);
  await assert.rejects(call(lab.sessions, 'events', { aftr: 'x' }), refused);
  await assert.rejects(call(lab.sessions, 'setPermissions', 'u1', 'abc'), refused);
  assert.equal((await browser.signedIn()).id, id);
});

test('G16: a text that not every engine can hold is refused, whatever the engine', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  for (const bad of ['a\0b', 'a\ud800b', '\udc00']) {
    for (const [target, name, ...given] of [
      [session, 'signIn', bad],
      [session, 'beginSignIn', bad, { factor: 'password' }],
      [session, 'impersonate', bad, { reason: 'x' }],
      [session, 'impersonate', 'u2', { reason: bad }],
      [session, 'signIn', 'u2', { permissions: [bad] }],
      [session, 'stepUp', { factor: bad }],
      [lab.sessions, 'terminate', session.id, { by: bad }],
      [lab.sessions, 'terminateAll', bad],
      [lab.sessions, 'terminateAll', 'u1', { by: bad }],
      [lab.sessions, 'setPermissions', bad, []],
      [lab.sessions, 'disable', bad],
      [lab.sessions, 'disable', 'u1', { by: bad }],
      [lab.sessions, 'enable', bad],
      [lab.sessions, 'purge', bad],
      [lab.sessions, 'list', bad],
    ] as const) {
      await assert.rejects(call(target, name, ...given), refused, `${name} ${JSON.stringify(given)}`);
    }
  }
  assert.equal((await browser.signedIn()).id, session.id);
});

test('G16: a subject is a name, of 1,024 bytes at most on every engine', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  for (const long of ['a'.repeat(1025), 'é'.repeat(513)]) {
    for (const [target, name, ...given] of [
      [session, 'signIn', long],
      [session, 'beginSignIn', long, { factor: 'password' }],
      [session, 'impersonate', long, { reason: 'x' }],
      [lab.sessions, 'terminateAll', long],
      [lab.sessions, 'setPermissions', long, []],
      [lab.sessions, 'disable', long],
      [lab.sessions, 'enable', long],
      [lab.sessions, 'purge', long],
      [lab.sessions, 'list', long],
    ] as const) {
      await assert.rejects(call(target, name, ...given), refused, name);
    }
  }
  await session.signIn('é'.repeat(512));
  assert.equal((await browser.signedIn()).subject, 'é'.repeat(512));
});

test('what an update answers instead of editing the draft is not lost without a word (G16)', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  await assert.rejects(
    call(session, 'update', (draft: object) => ({ ...draft, n: 1 })),
    code('state_invalid'),
  );
  // An arrow whose expression has a value is no mistake.
  await call(session, 'update', (draft: { cart: string[] }) => Object.assign(draft, { n: 1 }));
  assert.equal(session.data.n, 1);
});

test('G16: sessions and bindings are not made from what cannot be', () => {
  const store = memory();
  for (const options of [undefined, null, {}, { store: './x.db' }, { store, bearer: 'yes' }, { store, policy: null }]) {
    assert.throws(() => Reflect.apply(createSessions, undefined, [options]), refused, JSON.stringify(options));
  }
  const { sessions } = new Lab();
  for (const first of [undefined, null, { signInPath: '/login' }, memory()]) {
    assert.throws(() => Reflect.apply(expressSessions, undefined, [first]), {
      code: 'option_invalid',
      message: 'binding: pass first what createSessions() answered.',
    });
  }
  for (const options of [{ clearSiteData: true }, { clearSiteData: 'cache' }, null]) {
    assert.throws(() => Reflect.apply(expressSessions, undefined, [sessions, options]), refused);
  }
  const web = expressSessions(sessions);
  assert.throws(() => Reflect.apply(web.trackWith, web, [{ whenUnknown: 'vistor' }]), refused);
});

test('G16: what is neither a token nor null is a mistake, and nobody is made a visitor by it', async () => {
  const { sessions } = new Lab();
  for (const given of [undefined, 7, ['a'], {}, Promise.resolve(null)]) {
    await assert.rejects(call(sessions, 'track', given), {
      code: 'option_invalid',
      message: 'track: pass a token, or null for none.',
    });
  }
  for (const none of [null, '', 'junk']) assert.equal((await sessions.track(none)).state, 'none');
});
