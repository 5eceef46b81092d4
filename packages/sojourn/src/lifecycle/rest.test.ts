import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newSession } from '../stores/contract/subject.ts';
import { expiryOf } from './expire.ts';
import { checkPolicy, kindOf } from './policy.ts';
import { restsUntil } from './rest.ts';
import { rotationDue } from './rotate.ts';
import { type SessionRecord, stamped } from './session.ts';

const policy = checkPolicy({
  kinds: {
    standard: { idle: '10m', absolute: '1h', rotateEvery: '20m', touchInterval: '2m' },
    remembered: { idle: '3h', absolute: '1d', rotateEvery: '12h', rotateAfterAway: '90s', touchInterval: '5m' },
  },
});
const begun = 1_800_000_000_000;

function record(more: Partial<SessionRecord> = {}): SessionRecord {
  return { ...stamped(newSession('u1'), begun), idleTimeout: 600_000, expiresAt: begun + 3_600_000, ...more };
}

/** Nothing is to be done about the session at this moment, asked of each stage for itself. */
function nothingIsDue(one: SessionRecord, now: number): boolean {
  const touched = now - one.lastSeenAt < kindOf(policy, one.kind).touchInterval;
  return expiryOf(one, policy, now) === null && !rotationDue(one, policy, now) && touched;
}

test('a session rests exactly as long as no stage has anything to do, to the second', () => {
  const span = fc.integer({ min: 0, max: 7_200_000 });
  const given = fc.record({
    kind: fc.constantFrom('standard', 'remembered', 'anonymous', 'no longer named'),
    lastSeenAt: span.map((more) => begun + more),
    rotatedAt: span.map((more) => begun + more),
    expiresAt: span.map((more) => begun + more),
    idleTimeout: span,
  });
  fc.assert(
    fc.property(given, span, (more, later) => {
      const one = record(more);
      const now = begun + later;
      const rests = now < restsUntil(one, policy) * 1000;
      if (rests) assert.ok(nothingIsDue(one, now));
      else assert.ok(!nothingIsDue(one, now + 999));
    }),
    { numRuns: 2000 },
  );
});

test('a session rests up to its next touch, rotation or end, whichever is first', () => {
  const rests = (more: Partial<SessionRecord>): number => restsUntil(record(more), policy) - begun / 1000;
  assert.equal(rests({}), 120);
  assert.equal(rests({ kind: 'remembered' }), 90);
  assert.equal(rests({ lastSeenAt: begun + 1_150_000 }), 1200);
  assert.equal(rests({ lastSeenAt: begun + 3_550_000, rotatedAt: begun + 3_550_000 }), 3600);
  assert.equal(rests({ idleTimeout: 5000 }), 5);
});

test('where something waits, nothing rests', () => {
  const successor = { hash: 'h', sealed: 's', at: begun };
  const actor = { subject: 'admin', reason: 'r', at: begun, until: begun + 1, own: { ...record(), data: '{}' } };
  const ending = { reason: 'signed_out', at: begun, by: 'subject' } as const;
  for (const more of [{ successor }, { grants: ['a'] }, { actor }, { ending }]) {
    assert.equal(restsUntil(record(more), policy), 0);
  }
});
