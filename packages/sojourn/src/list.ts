import type { EndingReason } from './lifecycle/errors.ts';
import type { SessionEvent } from './lifecycle/events.ts';
import { limitsOf } from './lifecycle/expire.ts';
import { kindOf, type Policy } from './lifecycle/policy.ts';
import type { Device, Ending, Factor, SessionRecord } from './lifecycle/session.ts';

/** A session as lists show it. No secret, no hash, no data. */
export interface SessionSummary<P extends string = string> {
  readonly id: string;
  readonly subject: string | null;
  readonly kind: string;
  readonly permissions: readonly P[];
  readonly factors: readonly Factor[];
  readonly createdAt: number;
  readonly signedInAt: number | null;
  readonly lastSeenAt: number;
  /** `lastSeenAt` may be this much behind, in milliseconds. */
  readonly lastSeenPrecision: number;
  readonly idleUntil: number;
  readonly expiresAt: number;
  readonly device: Device | null;
  readonly actor: { readonly subject: string; readonly reason: string; readonly until: number } | null;
  readonly ending: Ending | null;
}

/** A session that ended in the last 28 days. */
export interface EndedSession {
  readonly id: string;
  readonly kind: string;
  readonly reason: EndingReason;
  readonly by: string;
  /** Who acted as the subject, of an impersonation. */
  readonly actor: string | null;
  readonly endedAt: number;
  readonly createdAt: number | null;
  readonly lastSeenAt: number | null;
  readonly device: Device | null;
}

export interface Devices<P extends string = string> {
  readonly live: readonly SessionSummary<P>[];
  readonly ended: readonly EndedSession[];
}

export function describe<P extends string>(record: SessionRecord, policy: Policy): SessionSummary<P> {
  const { idleTimeout, expiresAt } = limitsOf(record, policy);
  const { actor } = record;
  return {
    id: record.id,
    subject: record.subject,
    kind: record.kind,
    // The application's own names: they came in typed as P.
    permissions: record.permissions as readonly P[],
    factors: record.factors,
    createdAt: record.createdAt,
    signedInAt: record.signedInAt,
    lastSeenAt: record.lastSeenAt,
    lastSeenPrecision: kindOf(policy, record.kind).touchInterval,
    idleUntil: record.lastSeenAt + idleTimeout,
    expiresAt,
    device: record.device ?? null,
    actor: actor ? { subject: actor.subject, reason: actor.reason, until: actor.until } : null,
    ending: record.ending ?? null,
  };
}

/** Dead by the clock but not swept yet is not shown as live. */
export function devicesOf<P extends string>(
  { live, ended }: { live: readonly SessionRecord[]; ended: readonly SessionEvent[] },
  policy: Policy,
  now: number,
): Devices<P> {
  return {
    live: live
      .map((record) => describe<P>(record, policy))
      .filter(({ idleUntil, expiresAt }) => now < Math.min(idleUntil, expiresAt)),
    ended: ended.flatMap((event) =>
      event.reason && event.by
        ? [
            {
              id: event.sessionId,
              kind: event.kind,
              reason: event.reason,
              by: event.by,
              actor: event.actor ?? null,
              endedAt: event.at,
              createdAt: event.createdAt ?? null,
              lastSeenAt: event.lastSeenAt ?? null,
              device: event.device ?? null,
            },
          ]
        : [],
    ),
  };
}
