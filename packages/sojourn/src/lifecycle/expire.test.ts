import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Between } from '../../test/between.ts';
import { Lab, type LabOptions } from '../../test/lab.ts';
import { seededRandom } from '../testing/random.ts';
import { SojournError } from './errors.ts';
import { expiryOf, limitsOf } from './expire.ts';
import { checkPolicy, type KindOptions } from './policy.ts';
import { liveUntil, type SessionRecord, stamped } from './session.ts';

const minute = 60_000;

/** The same store after a restart with another policy. */
function restarted(lab: Lab, policy: NonNullable<LabOptions['policy']>): Lab {
  return new Lab({ policy, around: () => lab.store, clock: lab.clock, random: seededRandom(8) });
}

function recordOf(kind: string, idleTimeout: number, lifetime: number, createdAt: number): SessionRecord {
  return stamped(
    {
      id: 'Aid',
      subject: 'u1',
      permissions: [],
      factors: [],
      kind,
      idleTimeout,
      lifetime,
      secretHash: 'h',
      generation: 1,
      retired: [],
      formKey: 'k',
      operation: 'o',
      data: '{}',
    },
    createdAt,
  );
}

const span = fc.integer({ min: 2, max: 10_000 });

test('of the record’s limits and the policy’s the shorter holds, and use never moves the absolute one (R-137, S-38)', () => {
  fc.assert(
    fc.property(span, span, span, span, fc.nat({ max: 9999 }), (idle, absolute, kindIdle, kindAbsolute, seen) => {
      const options: KindOptions = { idle: Math.min(kindIdle, kindAbsolute), absolute: kindAbsolute, touchInterval: 1 };
      const policy = checkPolicy({ kinds: { standard: options } });
      const record = recordOf('standard', idle, absolute, 5);
      const limits = limitsOf(record, policy);
      assert.deepEqual(limits, {
        idleTimeout: Math.min(idle, kindIdle, kindAbsolute),
        expiresAt: 5 + Math.min(absolute, kindAbsolute),
      });
      assert.deepEqual(limitsOf({ ...record, lastSeenAt: 5 + seen }, policy), limits);
    }),
    { numRuns: 500 },
  );
});

test('a session expires at its limit, not a millisecond before, by the clock that ran out', () => {
  fc.assert(
    fc.property(span, span, (idle, absolute) => {
      const policy = checkPolicy();
      const record = recordOf('standard', idle, absolute, 5);
      const until = liveUntil(record);
      assert.equal(expiryOf(record, policy, until - 1), null);
      assert.equal(
        expiryOf(record, policy, until),
        absolute <= idle ? 'session_expired_absolute' : 'session_expired_idle',
      );
      assert.equal(expiryOf(record, policy, 5 + absolute), 'session_expired_absolute');
    }),
    { numRuns: 300 },
  );
});

test('shortening a policy bites live sessions at once, lengthening only new ones (R-102)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const until = (await browser.signedIn()).expiresAt;
  const long = restarted(lab, { kinds: { standard: { idle: '4h', absolute: '24h' } } });
  const same = long.browser();
  same.token = browser.token;
  assert.equal((await same.signedIn()).expiresAt, until);
  assert.equal((await same.signedIn()).idleUntil, lab.clock.now() + 30 * minute);
  lab.clock.advance('10m');
  const short = restarted(lab, { kinds: { standard: { idle: '10m' } } });
  const bitten = short.browser();
  bitten.token = browser.token;
  assert.equal(await bitten.refusal(), 'session_expired_idle');
  // It has ended, also for who still has the longer policy.
  assert.equal(await browser.refusal(), 'session_expired_idle');
});

test('a shorter absolute limit counts from when the session began', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  for (let i = 0; i < 3; i++) {
    lab.clock.advance('20m');
    await browser.signedIn();
    await lab.settle();
  }
  const short = restarted(lab, { kinds: { standard: { absolute: '1h' } } });
  const bitten = short.browser();
  bitten.token = browser.token;
  assert.equal(await bitten.refusal(), 'session_expired_absolute');
});

test('a session of a kind that the policy no longer names has no lifetime', async () => {
  const lab = new Lab({ policy: { kinds: { kiosk: {} } } });
  const browser = await lab.signedIn('u1', { kind: 'kiosk' });
  const { id } = await browser.signedIn();
  const after = restarted(lab, {});
  const refused = after.browser();
  refused.token = browser.token;
  assert.equal(await refused.refusal(), 'session_expired_absolute');
  const ended = await lab.store.find(id);
  assert.deepEqual([ended?.ending?.reason, ended?.ending?.by], ['session_expired_absolute', 'clock']);
});

test('to be refused for expiry is to have ended: the token does not come back with the clock (R-113)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  lab.clock.advance('30m');
  const refused = await browser.visit({ lost: true });
  assert.deepEqual(refused.refused, {
    code: 'session_expired_idle',
    reason: 'session_expired_idle',
    at: lab.clock.now(),
    sessionId: id,
  });
  assert.equal((await lab.store.find(id))?.ending?.at, lab.clock.now());
  assert.equal(await browser.refusal(), 'session_expired_idle');
  assert.deepEqual(await lab.told(id), ['signed_in', 'expired']);
});

test('many requests at the limit end a session once (G11)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  lab.clock.advance('30m');
  const refusals = await Promise.all(Array.from({ length: 8 }, () => browser.refusal()));
  assert.deepEqual(new Set(refusals), new Set(['session_expired_idle']));
  assert.deepEqual(await lab.told(id), ['signed_in', 'expired']);
});

test('a session that is gone by the time it would be ended tells nothing', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  lab.clock.advance('30m');
  between.before('end', () => lab.store.purge('u1', { operation: 'elsewhere' }));
  assert.equal(await browser.refusal(), 'sign_in_required');
});

test('a session that another ended at its limit is refused with that reason', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  lab.clock.advance('30m');
  between.before('end', () => lab.store.end(id, { reason: 'administrator', by: 'root', operation: 'elsewhere' }));
  assert.equal(await browser.refusal(), 'session_terminated');
  assert.deepEqual(await lab.told(id), ['signed_in', 'terminated']);
});

test('a visit of another process just before the limit keeps the session alive', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  lab.clock.advance('30m');
  between.before('end', () => lab.store.touch([{ id, seenAt: lab.clock.now() - 1 }]));
  assert.equal(await browser.refusal(), null);
});

test('a sweep ends what died, lap by lap, and writes first what was seen (R-080, S-61)', async () => {
  const lab = new Lab();
  for (let i = 0; i < 5; i++) await lab.signedIn(`u${i}`);
  const busy = await lab.signedIn('busy');
  lab.clock.advance(30 * minute - 100);
  await busy.signedIn();
  lab.clock.advance(200);
  const laps = [await lab.sessions.sweep({ most: 3 })];
  while (laps.at(-1)?.more) laps.push(await lab.sessions.sweep({ most: 3 }));
  assert.equal(
    laps.reduce((sum, { expired }) => sum + expired, 0),
    5,
  );
  assert.ok(laps.length > 1);
  assert.equal(await busy.refusal(), null);
});

test('a tombstone is cleared a day after its limit and its token is then as unknown as any (S-61)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  await (await browser.visit({ lost: true })).terminate();
  lab.clock.advance('23h');
  assert.equal((await lab.sessions.sweep()).removed, 0);
  assert.equal(await browser.refusal(), 'session_terminated');
  lab.clock.advance('1h');
  assert.equal((await lab.sessions.sweep()).removed, 1);
  assert.equal(await browser.refusal(), 'sign_in_required');
});

test('a session that died by a shortened policy does not count against the limit (G9)', async () => {
  const lab = new Lab();
  await lab.signedIn('u1', { remember: true });
  lab.clock.advance('2h');
  const kinds = { remembered: { idle: '1h', absolute: '1d' } } as const;
  const strict = restarted(lab, { limit: 1, onLimit: 'refuse', kinds });
  assert.equal((await strict.sessions.list('u1')).live.length, 0);
  await strict.signedIn('u1');
});

test('a session that died by a shortened policy ends when it is asked for, else at its own limit (G6, G11)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { remember: true });
  await lab.signedIn('u2', { remember: true });
  lab.clock.advance('2h');
  const strict = restarted(lab, { kinds: { remembered: { idle: '1h', absolute: '1d' } } });
  assert.equal((await strict.sessions.sweep()).expired, 0);
  const back = strict.browser();
  assert.equal(await back.refusal(browser.token), 'session_expired_idle');
  lab.clock.advance('30d');
  assert.equal((await strict.sessions.sweep()).expired, 1);
});

test('to act as somebody and come back does not lengthen a session past a shortened policy (G6)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  lab.clock.advance('20m');
  const strict = restarted(lab, { kinds: { standard: { absolute: '1h' } } }).browser();
  strict.token = browser.token;
  const session = await strict.signedIn();
  const until = session.expiresAt;
  await session.impersonate('u2', { reason: 'x' });
  await session.stopImpersonating();
  assert.equal(session.expiresAt, until);
});

test('who comes back to a session of a kind that is no more is told in our words', async () => {
  const lab = new Lab({ policy: { kinds: { kiosk: {} } } });
  const browser = await lab.signedIn('u1', { kind: 'kiosk' });
  await (await browser.signedIn()).impersonate('u2', { reason: 'x' });
  const after = restarted(lab, {}).browser();
  after.token = browser.token;
  const back = (await after.signedIn()).stopImpersonating();
  await assert.rejects(back, SojournError);
});
