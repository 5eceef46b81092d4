import { type Code, type EndingReason, SojournError } from './errors.ts';
import { expire, expiryOf } from './expire.ts';
import { type Held, type Life, operation } from './life.ts';
import type { MaybePromise } from './ports.ts';
import { offer, promote, rotationDue, standingOf, unseal } from './rotate.ts';
import type { Ending, SessionRecord } from './session.ts';
import type { Presented } from './token.ts';

export interface TrackOptions {
  /** A new secret may be set on this answer. Never true for sub-resources, upgrades and bearers. */
  readonly mayRotate: boolean;
  /** The visit is not use: it does not move the idle limit. */
  readonly passive: boolean;
}

/** A token that was accepted. */
export interface Admitted extends Held {
  readonly state: 'admitted';
  /** A secret to hand to the client on this answer. */
  readonly issue: string | null;
}

/** A token that was not. Details only where the secret was right, so that an id alone tells nothing. */
export interface Refused {
  readonly state: 'refused';
  readonly code: Code;
  readonly reason?: EndingReason;
  /** When the session ended. */
  readonly at?: number;
  readonly sessionId?: string;
}

export type Tracked = Admitted | Refused;

/** A successor offered this often without being seen: something on the way drops Set-Cookie. */
const unseenOffers = 20;

/**
 * A token came back: whose is it, and what may they do. Looks the session up, compares the secret,
 * checks its end and both clocks, judges what a former secret means, and sees to touch and rotation.
 * Answers at once where the store does; throws `store_unavailable` when the store cannot say.
 */
export function track(life: Life, presented: Presented, options: TrackOptions): MaybePromise<Tracked> {
  const found = life.store.find(presented.id);
  return found instanceof Promise
    ? found.then((record) => judge(life, presented, options, record))
    : judge(life, presented, options, found);
}

function judge(
  life: Life,
  presented: Presented,
  options: TrackOptions,
  record: SessionRecord | null,
): MaybePromise<Tracked> {
  if (record === null) return refuse('sign_in_required');
  const digest = life.hash.digest(presented.secret);
  const now = life.store.now();
  if (standingOf(record, digest, now).is === 'unknown') {
    life.notices.add(record.id, 'secret_mismatch');
    return refuse('sign_in_required');
  }
  if (record.ending) return refuseEnded(life, record, record.ending);
  const held: Held = { record, digest, seenAt: now, permissions: record.permissions };
  const expiry = expiryOf(record, life.policy, now);
  if (expiry) return judgeExpired(life, presented, options, held, expiry);
  return record.actor ? judgeActor(life, presented, options, held) : judgeLive(life, presented, options, held);
}

/** By the secret that was presented. The usual case, a current secret with nothing due, does not wait. */
function judgeLive(life: Life, presented: Presented, options: TrackOptions, held: Held): MaybePromise<Tracked> {
  const { record, digest, seenAt } = held;
  const { is: standing, retired } = standingOf(record, digest, seenAt);
  switch (standing) {
    case 'current':
      return admitCurrent(life, presented, options, held);
    case 'successor':
      return admitSuccessor(life, presented, options, held);
    case 'grace': {
      return admit(life, options, { ...held, permissions: without(record.permissions, retired?.lacks) });
    }
    case 'lost':
      return endAndRefuse(life, record, { reason: 'rotation_lost', keepData: true });
    case 'reused':
      return life.policy.onReuse === 'terminate'
        ? endAndRefuse(life, record, { reason: 'reuse_detected', verdict: 'reuse_detected' })
        : suspect(life, presented, options, held);
    default:
      life.notices.add(record.id, 'token_replaced');
      return refuse('token_replaced', { reason: 'replaced', at: record.rotatedAt, sessionId: record.id });
  }
}

function admitCurrent(life: Life, presented: Presented, options: TrackOptions, held: Held): MaybePromise<Tracked> {
  const { record, seenAt } = held;
  if (!options.mayRotate) return admit(life, options, held);
  if (record.successor) {
    // Offered before and not seen yet: the same one again.
    if (life.notices.offered(record.id) === unseenOffers) life.notices.add(record.id, 'rotation_unseen');
    return admit(life, options, held, unseal(life, record, presented.secret));
  }
  return rotationDue(record, life.policy, seenAt)
    ? admitRotated(life, presented, options, held)
    : admit(life, options, held);
}

/** Rotation is hygiene: where it cannot be written, the secret that was right still is. */
async function admitRotated(life: Life, presented: Presented, options: TrackOptions, held: Held): Promise<Tracked> {
  const offered = await whereWritable(life, held, offer(life, held, presented.secret));
  if (offered === null) return admit(life, options, held);
  if (offered.updated.outcome !== 'updated') return track(life, presented, options);
  return admit(life, options, renewed(held, offered.updated.record), offered.next);
}

async function admitSuccessor(life: Life, presented: Presented, options: TrackOptions, held: Held): Promise<Tracked> {
  const promoted = await whereWritable(life, held, promote(life, held));
  if (promoted === null) return admit(life, options, held);
  if (promoted.outcome !== 'updated') return track(life, presented, options);
  life.notices.seen(held.record.id);
  return admit(life, options, renewed(held, promoted.record));
}

async function whereWritable<T>(life: Life, held: Held, write: Promise<T>): Promise<T | null> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof SojournError) || error.code !== 'store_unavailable') throw error;
    life.notices.add(held.record.id, error.code);
    return null;
  }
}

/** `onReuse: 'step-up'`: the copy is refused and the session asks for a fresh proof from now on. */
async function suspect(life: Life, presented: Presented, options: TrackOptions, held: Held): Promise<Tracked> {
  const { record, seenAt } = held;
  if (record.suspectAt === undefined) {
    const updated = await life.store.update(
      record.id,
      record.version,
      { suspectAt: seenAt },
      // The copy's use is no sign of life.
      { operation: operation(life), seenAt: 0, events: [{ type: 'reuse_detected' }] },
    );
    if (updated.outcome !== 'updated') return track(life, presented, options);
  } else {
    life.notices.add(record.id, 'reuse_detected');
  }
  return refuse('reuse_detected', { reason: 'reuse_detected', sessionId: record.id });
}

/** An impersonation holds only while the one who acts is as they were when it began. */
async function judgeActor(life: Life, presented: Presented, options: TrackOptions, held: Held): Promise<Tracked> {
  const { actor } = held.record;
  if (actor) {
    const subject = await life.store.subject(actor.subject);
    if (subject.disabled || subject.changedAt >= actor.at) {
      return endAndRefuse(life, held.record, { reason: 'subject_changed' });
    }
  }
  return judgeLive(life, presented, options, held);
}

async function judgeExpired(
  life: Life,
  presented: Presented,
  options: TrackOptions,
  held: Held,
  reason: EndingReason,
): Promise<Tracked> {
  const record = await expire(life, held.record, reason);
  if (record === null) return refuse('sign_in_required');
  if (record.ending) return refuseEnded(life, record, record.ending);
  // Alive after all: a touch that counts was written before the ending could be.
  return judgeLive(life, presented, options, renewed(held, record));
}

async function endAndRefuse(
  life: Life,
  record: SessionRecord,
  verdict: { reason: EndingReason; keepData?: boolean; verdict?: 'reuse_detected' },
): Promise<Tracked> {
  const result = await life.store.end(record.id, { ...verdict, by: 'system', operation: operation(life) });
  if (result?.record.ending === undefined) return refuse('sign_in_required');
  if (!result.ended) return refuseEnded(life, result.record, result.record.ending);
  life.ended([result.record]);
  return refuseAs(result.record, result.record.ending);
}

function renewed(held: Held, record: SessionRecord): Held {
  return { ...held, record, permissions: record.permissions };
}

function without(permissions: readonly string[], lacks: readonly string[] = []): readonly string[] {
  return permissions.filter((name) => !lacks.includes(name));
}

function admit(life: Life, options: TrackOptions, held: Held, issue: string | null = null): Admitted {
  const { record, digest, permissions, seenAt } = held;
  const interval = life.policy.kinds[record.kind]?.touchInterval ?? 0;
  if (!options.passive && seenAt - record.lastSeenAt >= interval) life.touches.add(record.id, seenAt);
  return { state: 'admitted', record, digest, permissions, seenAt, issue };
}

function refuse(code: Code, details: Omit<Refused, 'state' | 'code'> = {}): Refused {
  return { state: 'refused', code, ...details };
}

function refuseAs(record: SessionRecord, { reason, at }: Ending): Refused {
  return refuse(codeOf(reason), { reason, at, sessionId: record.id });
}

/** To come back after the limit is usual; to use a token that was signed out, replaced or revoked is recorded. */
function refuseEnded(life: Life, record: SessionRecord, ending: Ending): Refused {
  const refused = refuseAs(record, ending);
  if (!ending.reason.startsWith('session_expired')) life.notices.add(record.id, refused.code);
  return refused;
}

function codeOf(reason: EndingReason): Code {
  switch (reason) {
    case 'session_expired_idle':
    case 'session_expired_absolute':
    case 'rotation_lost':
    case 'reuse_detected':
      return reason;
    case 'replaced':
      return 'token_replaced';
    default:
      return 'session_terminated';
  }
}

/** A refusal as the error it is for code that must not go on. */
export function refusalError(refused: Refused): SojournError {
  const why = refused.reason ? ` (${refused.reason})` : '';
  return new SojournError(refused.code, `The session is not live${why}. Send the person to sign in.`, refused);
}

/**
 * The session that a request holds, read anew. Throws the refusal when it has ended, has expired, or
 * has given up the secret that the request presented.
 */
export async function readmit(life: Life, held: Held): Promise<Held> {
  const { digest, seenAt } = held;
  const record = await life.store.find(held.record.id);
  if (record === null) throw refusalError(refuse('sign_in_required'));
  if (record.ending) throw refusalError(refuseAs(record, record.ending));
  const now = life.store.now();
  // The request was admitted, so it counts as a visit although its touch may not be written yet.
  const expiry = expiryOf({ ...record, lastSeenAt: Math.max(record.lastSeenAt, seenAt) }, life.policy, now);
  if (expiry) {
    const ended = await expire(life, record, expiry);
    throw refusalError(refuse(codeOf(expiry), { reason: expiry, at: ended?.ending?.at ?? now, sessionId: record.id }));
  }
  const { is: standing, retired } = standingOf(record, digest, now);
  if (standing === 'current' || standing === 'successor' || standing === 'grace') {
    return { record, digest, seenAt, permissions: without(record.permissions, retired?.lacks) };
  }
  throw refusalError(refuse('token_replaced', { reason: 'replaced', sessionId: record.id }));
}
