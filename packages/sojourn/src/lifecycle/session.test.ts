import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Ending,
  isLive,
  liveUntil,
  type NewSession,
  rememberedUntil,
  type SessionRecord,
  stamped,
  tombstone,
} from './session.ts';

const day = 86_400_000;

const fresh: NewSession = {
  id: 'Aid',
  subject: 'u1',
  permissions: ['read'],
  factors: [{ method: 'password', at: 1 }],
  kind: 'standard',
  idleTimeout: 100,
  lifetime: 1000,
  secretHash: 'hash',
  generation: 1,
  retired: [{ hash: 'older', until: 5 }],
  formKey: 'key',
  operation: 'op1',
  data: '{"cart":["x"]}',
};

test('a new session is stamped with the engine’s time, and its span becomes a limit', () => {
  const record = stamped(fresh, 5000);
  assert.deepEqual(
    [record.createdAt, record.signedInAt, record.lastSeenAt, record.rotatedAt, record.expiresAt, record.version],
    [5000, 5000, 5000, 5000, 6000, 1],
  );
  assert.equal('lifetime' in record, false);
  assert.equal(stamped({ ...fresh, subject: null }, 5000).signedInAt, null);
});

test('an earlier absolute limit holds and a later one does not', () => {
  assert.equal(stamped({ ...fresh, notAfter: 5500 }, 5000).expiresAt, 5500);
  const record = stamped({ ...fresh, notAfter: 9999 }, 5000);
  assert.equal(record.expiresAt, 6000);
  assert.equal('notAfter' in record, false);
});

test('a session lives until the earlier of its two limits, which is its first dead millisecond (R-008, R-009)', () => {
  const span = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(span, span, span, fc.nat({ max: 20_000 }), (idleTimeout, lifetime, seen, now) => {
      const record: SessionRecord = { ...stamped({ ...fresh, idleTimeout, lifetime }, 0), lastSeenAt: seen };
      assert.equal(liveUntil(record), Math.min(seen + idleTimeout, lifetime));
      assert.equal(isLive(record, now), now < seen + idleTimeout && now < lifetime);
    }),
    { numRuns: 500 },
  );
});

test('an ended session is not live, whatever its limits still say (G3)', () => {
  const ending: Ending = { reason: 'signed_out', at: 10, by: 'u1' };
  const record: SessionRecord = { ...stamped(fresh, 0), ending };
  assert.equal(isLive(record, 11), false);
  assert.equal(isLive(tombstone(stamped(fresh, 0), ending, 'op2'), 11), false);
});

test('a tombstone stays until its absolute limit and a day at least (S-61)', () => {
  const long = stamped({ ...fresh, lifetime: 30 * day }, 0);
  assert.equal(rememberedUntil(long, { reason: 'revoked', at: day, by: 'x' }), 30 * day);
  const short = stamped(fresh, 0);
  assert.equal(rememberedUntil(short, { reason: 'revoked', at: 500, by: 'x' }), 500 + day);
});

test('a tombstone drops data, permissions and what was under way, and keeps what refuses the token', () => {
  const record: SessionRecord = {
    ...stamped(fresh, 0),
    grants: ['admin'],
    pending: { subject: 'u1', factors: [], checkedAt: 1, until: 5 },
    successor: { hash: 'next', sealed: 'sealed', at: 3 },
    actor: {
      subject: 'support',
      reason: 'ticket',
      at: 1,
      until: 9,
      own: { permissions: ['admin'], factors: [], kind: 'standard', expiresAt: 9, data: '{"own":"secret"}' },
    },
  };
  const ended = tombstone(record, { reason: 'revoked', at: 7, by: 'root' }, 'op2');
  assert.doesNotMatch(JSON.stringify(ended), /cart|sealed|"own":"secret"/);
  assert.deepEqual([ended.data, ended.permissions, ended.grants, ended.pending], ['{}', [], undefined, undefined]);
  assert.deepEqual([ended.version, ended.operation, ended.secretHash], [2, 'op2', 'hash']);
  assert.deepEqual([ended.subject, ended.kind, ended.actor?.subject], ['u1', 'standard', 'support']);
  assert.deepEqual(ended.actor?.own, { ...record.actor?.own, data: '{}' });
  // Whoever holds the secret that had just been offered is told as well.
  assert.deepEqual(
    ended.retired.map(({ hash }) => hash),
    ['next', 'older'],
  );
});

test('a tombstone of a session with nothing under way has nothing more to say', () => {
  const ended = tombstone(stamped(fresh, 0), { reason: 'revoked', at: 7, by: 'root' }, 'op2');
  assert.deepEqual(ended.retired, fresh.retired);
  assert.equal('actor' in ended, false);
});
