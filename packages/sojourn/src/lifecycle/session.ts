import type { EndingReason } from './errors.ts';

/*
 * none ──visit──▶ anonymous ──sign in──▶ signed in ──┬─ idle or absolute limit ─▶ expired ─┐
 *                     │                  │  ▲        └─ terminate(reason) ─────▶ terminated ┼─▶ ended (tombstone)
 *                     └── expires ───────┼──┘ rotate, step up, permissions                  │
 *                                        └── sign in again ─▶ replaced ────────────────────┘
 */

/** How and when the subject proved who they are. `at` in milliseconds since the epoch. */
export interface Factor {
  readonly method: string;
  readonly at: number;
}

/** What the device list shows. `address` is truncated: /24 of IPv4, /48 of IPv6. */
export interface Device {
  readonly label: string;
  readonly userAgent: string;
  readonly address: string;
  readonly addedAt: number;
}

/** Why, when and by whom (`subject`, `clock`, `system` or an operator's id) a session ended. */
export interface Ending {
  readonly reason: EndingReason;
  readonly at: number;
  readonly by: string;
  /** Of a replaced session: the id of the session that took its place. */
  readonly replacedBy?: string;
}

/** The next secret, sealed under the present one, until its first use. */
export interface Successor {
  readonly hash: string;
  readonly sealed: string;
  readonly at: number;
}

/** A secret that was. Only the newest has a grace; `replaced` marks one ended at once by a step-up. */
export interface Retired {
  readonly hash: string;
  readonly until: number;
  /** Permissions given with its successor, which it therefore does not carry. */
  readonly lacks?: readonly string[];
  readonly replaced?: true;
}

/** The password was right and a second factor is open. Passes no `requireSignIn`. */
export interface Pending {
  readonly subject: string;
  readonly factors: readonly Factor[];
  /** When the first proof was checked: an account that changed since refuses the second. */
  readonly checkedAt: number;
  readonly until: number;
}

/** Who acts as the subject, why and until when; with what is needed to return to their own session. */
export interface Actor {
  readonly subject: string;
  readonly reason: string;
  readonly at: number;
  readonly until: number;
  readonly own: Pick<SessionRecord, 'permissions' | 'factors' | 'kind' | 'expiresAt' | 'data'>;
}

/**
 * One session as a store keeps it. Times are milliseconds since the epoch by the engine's clock and
 * never go back. `data` is JSON text, so a reader that does not ask for it does not parse it.
 */
export interface SessionRecord {
  readonly id: string;
  /** Raised by each write but touches. */
  readonly version: number;
  readonly subject: string | null;
  readonly pending?: Pending | undefined;
  readonly permissions: readonly string[];
  /** Given from outside, in force from the first sight of the next secret. */
  readonly grants?: readonly string[] | undefined;
  readonly factors: readonly Factor[];
  readonly kind: string;
  readonly createdAt: number;
  readonly signedInAt: number | null;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly expiresAt: number;
  readonly rotatedAt: number;
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string;
  readonly generation: number;
  readonly successor?: Successor | undefined;
  /** Newest first, the last 16 of rotations and the last 16 of step-ups. */
  readonly retired: readonly Retired[];
  /** A copy of an old token was used and the policy asks for a fresh proof instead of ending. */
  readonly suspectAt?: number | undefined;
  /** Key of the form token, random, new with each secret that is not a rotation's. */
  readonly formKey: string;
  /** Id of the last write, so that a repeated write knows itself. */
  readonly operation: string;
  /** The write as which it came from another engine: while it is the last one, nothing was written here. */
  readonly adopted?: string;
  readonly device?: Device | undefined;
  readonly actor?: Actor | undefined;
  readonly data: string;
  readonly ending?: Ending | undefined;
}

/** A session about to be created: the engine's clock stamps its times inside the operation. */
export type NewSession = Omit<
  SessionRecord,
  'version' | 'createdAt' | 'signedInAt' | 'lastSeenAt' | 'expiresAt' | 'rotatedAt' | 'adopted'
> & {
  /** Span from creation to the absolute limit. */
  readonly lifetime: number;
  /** An earlier absolute limit, as of an impersonation. */
  readonly notAfter?: number;
};

/** The moment a session dies by the clock unless it is seen before. */
export function liveUntil(record: SessionRecord): number {
  return Math.min(record.lastSeenAt + record.idleTimeout, record.expiresAt);
}

/** Not ended, and by its own limits not dead at `now`. */
export function isLive(record: SessionRecord, now: number): boolean {
  return record.ending === undefined && now < liveUntil(record);
}

/** How long a tombstone stays at least, so that who comes back the next morning is told why. */
const leastTombstone = 86_400_000;

/** Until when an ended session is remembered: its absolute limit, and a day at least unless it was a visitor's. */
export function rememberedUntil(record: SessionRecord, ending: Ending): number {
  if (record.subject === null) return record.expiresAt;
  return Math.max(record.expiresAt, ending.at + leastTombstone);
}

/** The record of a new session, stamped with the engine's `now`. */
export function stamped({ lifetime, notAfter, ...session }: NewSession, now: number): SessionRecord {
  return {
    ...session,
    version: 1,
    createdAt: now,
    signedInAt: session.subject === null ? null : now,
    lastSeenAt: now,
    expiresAt: Math.min(now + lifetime, notAfter ?? Number.MAX_SAFE_INTEGER),
    rotatedAt: now,
  };
}

/** What stays of an ended session: enough to refuse its token and say why. */
export function tombstone(record: SessionRecord, ending: Ending, operation: string): SessionRecord {
  const { pending, grants, successor, actor, ...rest } = record;
  return {
    ...rest,
    ...(successor ? { retired: [{ hash: successor.hash, until: 0 }, ...record.retired] } : {}),
    ...(actor ? { actor: { ...actor, own: { ...actor.own, data: '{}' } } } : {}),
    version: record.version + 1,
    permissions: [],
    data: '{}',
    operation,
    ending,
  };
}
