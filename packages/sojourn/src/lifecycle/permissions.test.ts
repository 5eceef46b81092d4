import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Between, settled } from '../../test/between.ts';
import { type Browser, code, Lab, type Permission } from '../../test/lab.ts';
import { checkRequirement, permissionChange, type Requirement, unmet } from './permissions.ts';
import { type SessionRecord, stamped } from './session.ts';

const record: SessionRecord = stamped(
  {
    id: 'Aid',
    subject: 'u1',
    permissions: ['read', 'write'],
    factors: [
      { method: 'password', at: 1000 },
      { method: 'totp', at: 5000 },
    ],
    kind: 'standard',
    idleTimeout: 100_000,
    lifetime: 100_000,
    secretHash: 'h',
    generation: 1,
    retired: [],
    formKey: 'k',
    operation: 'o',
    data: '{}',
  },
  0,
);

test('a requirement is met by permission, by the age of a proof and by its method (R-098)', () => {
  const cases: readonly (readonly [Requirement, number, string | null])[] = [
    [{}, 99_000, null],
    [{ permission: 'read' }, 99_000, null],
    [{ permission: 'admin' }, 5000, 'permission_missing'],
    [{ within: '10s' }, 15_000, null],
    [{ within: '10s' }, 15_001, 'fresh_proof_required'],
    [{ within: 0 }, 5000, null],
    [{ factor: 'totp' }, 99_000, null],
    [{ factor: 'passkey' }, 5000, 'fresh_proof_required'],
    [{ factor: 'password', within: '10s' }, 11_000, null],
    [{ factor: 'password', within: '10s' }, 11_001, 'fresh_proof_required'],
    // A missing permission is told before a missing proof: a proof would not help.
    [{ permission: 'admin', within: 0 }, 99_000, 'permission_missing'],
  ];
  for (const [requirement, now, expected] of cases) {
    const found = unmet(record, record.permissions, checkRequirement(requirement), now);
    assert.equal(found, expected, JSON.stringify(requirement));
  }
});

test('a session without any proof meets what asks for none', () => {
  const unproved = { ...record, factors: [] };
  assert.equal(unmet(unproved, ['read'], checkRequirement({ permission: 'read' }), 0), null);
  assert.equal(unmet(unproved, [], checkRequirement({ within: '1d' }), 0), 'fresh_proof_required');
});

test('a session under suspicion meets nothing until a fresh proof', () => {
  const suspect = { ...record, suspectAt: 5000 };
  assert.equal(unmet(suspect, ['read'], checkRequirement(), 5000), 'fresh_proof_required');
  assert.equal(unmet(suspect, [], checkRequirement({ permission: 'read' }), 5000), 'permission_missing');
});

test('a requirement that cannot be read is refused when the rule is made (G16)', () => {
  const made = (given: unknown): unknown => Reflect.apply(checkRequirement, null, [given]);
  assert.throws(() => made({ permissions: ['read'] }), /requireSignIn\.permissions is no option: use permission/);
  assert.throws(() => made({ within: 'soon' }), /requireSignIn\.within/);
  assert.throws(() => checkRequirement({ within: -1 }), code('option_invalid'));
});

const names = fc.uniqueArray(fc.constantFrom('read', 'write', 'admin', 'billing'));

test('what is taken away bites now, what is given waits, and what stays stays', () => {
  fc.assert(
    fc.property(names, names, fc.boolean(), (held, wanted, acting) => {
      const own = { permissions: held, factors: [], kind: 'standard', expiresAt: 9, data: '{}' };
      const actor = { subject: 'support', reason: 'x', at: 1, until: 9, own };
      const before = { ...record, permissions: held, ...(acting ? { actor } : {}) };
      const change = permissionChange(before, wanted);
      const kept = held.filter((name) => wanted.includes(name));
      const given = acting ? [] : wanted.filter((name) => !held.includes(name));
      if (kept.length === held.length && given.length === 0) assert.equal(change, null);
      else assert.deepEqual(change, { permissions: kept, grants: given.length > 0 ? given : undefined });
      // Said twice is said once.
      assert.equal(permissionChange({ ...before, ...change }, wanted), null);
    }),
    { numRuns: 500 },
  );
});

async function held(browser: Browser): Promise<readonly Permission[]> {
  return (await browser.signedIn()).permissions;
}

test('a permission taken away bites at the next request of every session (S-35, R-059)', async () => {
  const lab = new Lab();
  const browsers = [await lab.signedIn('u1', { permissions: ['read', 'write'] }), await lab.signedIn('u1')];
  assert.equal(await lab.sessions.setPermissions('u1', []), 1);
  for (const browser of browsers) assert.deepEqual(await held(browser), []);
  const [last] = (await lab.events()).slice(-1);
  assert.deepEqual([last?.type, last?.permissions], ['permissions_changed', []]);
});

test('a request under way loses a permission as soon as it is looked up again', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read', 'write'] });
  const session = await browser.signedIn();
  await lab.sessions.setPermissions('u1', ['read']);
  await session.assertLive();
  assert.deepEqual(session.permissions, ['read']);
  assert.deepEqual([session.has('read'), session.has('write')], [true, false]);
});

test('a permission given holds from the first sight of the new token, also where answers are lost', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read'] });
  await lab.sessions.setPermissions('u1', ['read', 'admin', 'admin']);
  for (let i = 0; i < 3; i++) assert.deepEqual((await browser.signedIn({ lost: true })).permissions, ['read']);
  const before = browser.token;
  assert.deepEqual(await held(browser), ['read']);
  assert.deepEqual(await held(browser), ['read', 'admin']);
  // What comes with the token before it never has what was given since.
  assert.deepEqual((await browser.signedIn({ token: before })).permissions, ['read']);
});

test('a permission given and taken again before it was in force never was', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read'] });
  await lab.sessions.setPermissions('u1', ['read', 'admin']);
  await browser.signedIn();
  assert.equal(await lab.sessions.setPermissions('u1', ['read']), 1);
  assert.deepEqual(await held(browser), ['read']);
  assert.deepEqual(await held(browser), ['read']);
});

test('what is given at sign-in is there at once, each once', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read', 'read', 'write'] });
  assert.deepEqual(await held(browser), ['read', 'write']);
  assert.equal(await lab.sessions.setPermissions('u1', ['write', 'read']), 0);
});

test('a sign-in that was checked before a change of permissions does not bring the old ones back', async () => {
  const lab = new Lab();
  const late = await lab.browser().visit();
  lab.clock.advance(1);
  await lab.sessions.setPermissions('u1', ['read']);
  lab.clock.advance(1);
  await assert.rejects(late.signIn('u1', { permissions: ['admin'] }), code('subject_changed'));
});

test('a permission taken away bites also where the last visit is still to be written (G10)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['admin'] });
  lab.clock.advance(30 * 60_000 - 100);
  await browser.signedIn();
  // By what is written the session died 100 ms ago; the visit before that is flushed in 300 ms.
  lab.clock.advance(200);
  await lab.sessions.setPermissions('u1', []);
  lab.clock.advance('1s');
  await settled();
  const session = await browser.visit();
  assert.ok(!session.has('admin'));
});

test('a token two generations back has none of what was given since (G10)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1');
  const first = browser.token;
  for (const permissions of [['read'], ['read', 'admin']] as const) {
    await lab.sessions.setPermissions('u1', permissions);
    await browser.signedIn();
    await browser.signedIn();
  }
  assert.deepEqual(await held(browser), ['read', 'admin']);
  assert.deepEqual((await browser.signedIn({ token: first })).permissions, []);
});

test('what a bearer is given waits for a store that can write it, and for nobody else (G10)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { token } = await lab.signedIn('u1', { permissions: ['read'] });
  await lab.sessions.setPermissions('u1', ['read', 'write']);
  const permissions = async (): Promise<readonly string[]> =>
    (await lab.sessions.track(token, { bearer: true })).permissions;
  between.failing = (name) => name === 'update';
  assert.deepEqual(await permissions(), ['read']);
  between.failing = () => false;
  between.before('update', () => lab.sessions.setPermissions('u1', ['write', 'admin']));
  assert.deepEqual(await permissions(), ['write', 'admin']);
});
