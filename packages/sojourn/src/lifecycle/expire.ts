import type { EndingReason } from './errors.ts';
import { end, type Life } from './life.ts';
import { kindOf, type Policy } from './policy.ts';
import type { Swept } from './ports.ts';
import type { SessionRecord } from './session.ts';

/** The limits that hold now: a shortened policy bites live sessions, a lengthened one does not. */
export function limitsOf(record: SessionRecord, policy: Policy): { idleTimeout: number; expiresAt: number } {
  const kind = kindOf(policy, record.kind);
  return {
    idleTimeout: Math.min(kind.idle, record.idleTimeout),
    expiresAt: Math.min(record.expiresAt, record.createdAt + kind.absolute),
  };
}

/** Which of the two clocks has run out at `now`, if any. At the limit itself the session is dead. */
export function expiryOf(record: SessionRecord, policy: Policy, now: number): EndingReason | null {
  const { idleTimeout, expiresAt } = limitsOf(record, policy);
  if (now >= expiresAt) return 'session_expired_absolute';
  return now >= record.lastSeenAt + idleTimeout ? 'session_expired_idle' : null;
}

/**
 * To refuse for expiry is to write the ending first. Answers the tombstone, or the live record when
 * a touch that counts was written before, or `null` when nothing is known of the session any more.
 */
export async function expire(life: Life, record: SessionRecord, reason: EndingReason): Promise<SessionRecord | null> {
  await life.touches.flush();
  const { idleTimeout, expiresAt } = limitsOf(record, life.policy);
  const ifExpired = { idleTimeout, lifetime: expiresAt - record.createdAt };
  const result = await end(life, record.id, { reason, by: 'clock', ifExpired });
  return result?.record ?? null;
}

/** One bounded lap: ends what is dead by the clock and clears what need not be kept. */
export async function sweep(life: Life, most: number): Promise<Swept> {
  await life.touches.flush();
  const swept = await life.store.sweep(most);
  life.ended(swept.expired);
  return swept;
}
