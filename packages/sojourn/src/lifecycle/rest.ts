import { limitsOf } from './expire.ts';
import { kindOf, type Policy } from './policy.ts';
import type { SessionRecord } from './session.ts';

/**
 * Until when, in seconds since the epoch, a session's present secret is simply right: no clock runs out, neither a
 * touch nor a rotation is due, nobody acts and nothing waits; 0 where something does. Kept with what is remembered, it
 * is all that the next request asks. Whole seconds: V8 would keep a larger number in memory of its own.
 */
export function restsUntil(record: SessionRecord, policy: Policy): number {
  if (record.successor || record.grants || record.actor || record.ending) return 0;
  const { rotateEvery, rotateAfterAway, touchInterval } = kindOf(policy, record.kind);
  const { idleTimeout, expiresAt } = limitsOf(record, policy);
  const untouched = Math.min(touchInterval, rotateAfterAway, idleTimeout);
  return Math.floor(Math.min(record.lastSeenAt + untouched, record.rotatedAt + rotateEvery, expiresAt) / 1000);
}
