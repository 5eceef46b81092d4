import { type EndingReason, isError } from './errors.ts';
import { expire, expiryOf } from './expire.ts';
import { end, type Held, type Life, write } from './life.ts';
import { kindOf } from './policy.ts';
import type { MaybePromise } from './ports.ts';
import { type Refused, refuse, refuseAs, refuseEnded, refuseReplaced } from './refusal.ts';
import { restsUntil } from './rest.ts';
import { offer, promote, rotationDue, type Standing, type Stands, standingOf, unseal } from './rotate.ts';
import type { SessionRecord } from './session.ts';
import { isToken, type Presented, sameDigest } from './token.ts';

export interface TrackOptions {
  /** Never rotates, so that no token needs to be handed out: sub-resources, upgrades. */
  readonly readOnly?: boolean;
  /** Does not count as use, so that looking does not move the idle limit. */
  readonly passive?: boolean;
  /** Asks the store, whatever is remembered. */
  readonly fresh?: boolean;
  /** No answer can hand this client a new token: it never rotates, and permissions that are given hold at once. */
  readonly bearer?: boolean;
  /** One of several tokens that came at once: a former secret is refused as `reuse_detected`, and nothing follows from its use. */
  readonly tentative?: boolean;
}

/** A token that was accepted. */
export interface Admitted extends Held {
  readonly state: 'admitted';
  /** A secret to hand to the client on this answer. */
  readonly issue: string | null;
}

export type Tracked = Admitted | Refused;

/** One token on its way through the stages of being judged. */
interface Attempt {
  readonly life: Life;
  readonly presented: Presented;
  readonly how: TrackOptions;
  /** The engine has said that the session lives, whatever this process's clock says. */
  readonly alive: boolean;
}

/** A successor offered this often without being seen: something on the way drops Set-Cookie. */
const unseenOffers = 20;

/**
 * A token came back: whose is it, and what may they do. Looks the session up, compares the secret,
 * checks its end and both clocks, judges what a former secret means, and sees to touch and rotation.
 * Answers at once where the store does, `null` for what is no token; throws `store_unavailable` when
 * the store cannot say.
 */
export function track(life: Life, presented: Presented, how: TrackOptions): MaybePromise<Tracked | null> {
  if (how.fresh) life.near.bypassed('fresh');
  else {
    const recalled = recall(life, presented, how);
    if (recalled !== null) return recalled;
  }
  return isToken(presented.text) ? again({ life, presented, how, alive: false }) : null;
}

/** By what is remembered nobody is refused or handed a secret: `null`, ask the store. Most find a session at rest. */
function recall(life: Life, presented: Presented, how: TrackOptions): MaybePromise<Tracked> | null {
  const remembered = life.near.get(presented.id);
  if (remembered === null) return null;
  const { record } = remembered;
  const now = life.store.now();
  const digest = life.hash.digest(presented.secret);
  if (now < remembered.restsUntil * 1000 && sameDigest(record.secretHash, digest)) {
    return holding(record, digest, record.permissions, how, now);
  }
  const attempt: Attempt = { life, presented, how, alive: false };
  const standing = standingOf(record, digest, now);
  // A successor that waits may have been given up for another since.
  const offers = record.successor !== undefined && mayRotate(attempt);
  if (offers || !admits(standing.is) || expiryOf(record, life.policy, now)) {
    life.near.bypassed('verdict');
    return null;
  }
  remembered.restsUntil = restsUntil(record, life.policy);
  return judgeLive(attempt, record, digest, standing, now);
}

/** Asks the store, also where something remembered is at odds with it. */
function again(attempt: Attempt): MaybePromise<Tracked> {
  const { store } = attempt.life;
  const found = store.find(attempt.presented.id);
  return found instanceof Promise ? found.then((record) => judge(attempt, record)) : judge(attempt, found);
}

function judge(attempt: Attempt, record: SessionRecord | null): MaybePromise<Tracked> {
  const { life, presented } = attempt;
  if (record === null) return refuse('sign_in_required');
  const digest = life.hash.digest(presented.secret);
  const now = life.store.now();
  const standing = standingOf(record, digest, now);
  if (standing.is === 'unknown') {
    life.notices.add(record.id, 'secret_mismatch');
    return refuse('sign_in_required');
  }
  if (record.ending) return refuseEnded(life, record, record.ending);
  const expiry = attempt.alive ? null : expiryOf(record, life.policy, now);
  if (expiry) return judgeExpired(attempt, record, expiry);
  return judgeLive(attempt, record, digest, standing, now);
}

function judgeLive(
  attempt: Attempt,
  record: SessionRecord,
  digest: string,
  standing: Stands,
  now: number,
): MaybePromise<Tracked> {
  const permissions = standing.lacks ? without(record.permissions, standing.lacks) : record.permissions;
  const admitted = holding(record, digest, permissions, attempt.how, now);
  return record.actor ? judgeActor(attempt, admitted, standing.is) : judgeSecret(attempt, admitted, standing.is);
}

function holding(
  record: SessionRecord,
  digest: string,
  permissions: readonly string[],
  { passive }: TrackOptions,
  now: number,
): Admitted {
  return { state: 'admitted', record, digest, permissions, seenAt: now, usedAt: passive ? 0 : now, issue: null };
}

/** A new secret may be set on this answer. */
function mayRotate({ how }: Attempt): boolean {
  return !how.readOnly && !how.bearer;
}

export function admits(standing: Standing): boolean {
  return standing === 'current' || standing === 'successor' || standing === 'grace';
}

/** The usual case, a current secret with nothing due, does not wait. */
function judgeSecret(attempt: Attempt, held: Admitted, standing: Standing): MaybePromise<Tracked> {
  const { life } = attempt;
  if (attempt.how.tentative && (standing === 'lost' || standing === 'reused')) {
    return refuse('reuse_detected', { sessionId: held.record.id });
  }
  switch (standing) {
    case 'current':
      return admitCurrent(attempt, held);
    case 'successor':
      return admitSuccessor(attempt, held);
    case 'grace':
      return admit(life, held);
    case 'lost':
      return endAndRefuse(life, held.record, {
        reason: 'rotation_lost',
        // What somebody wrote while acting as the subject is not the subject's.
        keepData: held.record.actor === undefined,
      });
    case 'reused':
      return life.policy.onReuse === 'terminate'
        ? endAndRefuse(life, held.record, { reason: 'reuse_detected', verdict: 'reuse_detected' })
        : suspect(attempt, held);
    default:
      life.notices.add(held.record.id, 'token_replaced');
      return refuseReplaced(held.record);
  }
}

function admitCurrent(attempt: Attempt, held: Admitted): MaybePromise<Tracked> {
  const { life, presented } = attempt;
  const { record } = held;
  if (attempt.how.bearer && record.grants) return admitGranted(attempt, held, record.grants);
  if (!mayRotate(attempt)) return admit(life, held);
  if (record.successor) {
    // Offered before and not seen yet: the same one again.
    if (life.notices.offered(record.successor.hash) === unseenOffers) life.notices.add(record.id, 'rotation_unseen');
    return admit(life, held, unseal(life, record, presented.secret));
  }
  return rotationDue(record, life.policy, held.seenAt) ? admitRotated(attempt, held) : admit(life, held);
}

/** Rotation is hygiene: where it cannot be written, the secret that was right still is. */
async function admitRotated(attempt: Attempt, held: Admitted): Promise<Tracked> {
  const { life, presented } = attempt;
  const offered = await whereWritable(life, held, offer(life, held, presented.secret));
  if (offered === null) return admit(life, held);
  if (offered.updated.outcome !== 'updated') return again(attempt);
  return admit(life, { ...held, record: offered.updated.record }, offered.next);
}

async function admitGranted(attempt: Attempt, held: Admitted, grants: readonly string[]): Promise<Tracked> {
  const { life } = attempt;
  const { record: before, usedAt } = held;
  const permissions = [...before.permissions, ...grants];
  const granting = async (): ReturnType<typeof write> =>
    write(life, before, { permissions, grants: undefined }, usedAt);
  const granted = await whereWritable(life, held, granting());
  if (granted === null) return admit(life, held);
  if (granted.outcome !== 'updated') return again(attempt);
  return admit(life, { ...held, record: granted.record, permissions });
}

async function admitSuccessor(attempt: Attempt, held: Admitted): Promise<Tracked> {
  const { life } = attempt;
  const promoted = await whereWritable(life, held, promote(life, held));
  if (promoted === null) return admit(life, held);
  if (promoted.outcome !== 'updated') return again(attempt);
  life.notices.seen(held.digest);
  const { record } = promoted;
  return admit(life, { ...held, record, permissions: record.permissions });
}

async function whereWritable<T>(life: Life, held: Held, write: Promise<T>): Promise<T | null> {
  try {
    return await write;
  } catch (error) {
    if (!isError(error, 'store_unavailable')) throw error;
    life.notices.add(held.record.id, error.code);
    return null;
  }
}

/** `onReuse: 'step-up'`: the copy is refused and the session asks for a fresh proof from now on. */
async function suspect(attempt: Attempt, held: Admitted): Promise<Tracked> {
  const { life } = attempt;
  const { record, seenAt } = held;
  if (record.suspectAt === undefined) {
    // The copy's use is no sign of life.
    const updated = await write(life, record, { suspectAt: seenAt }, 0, { type: 'reuse_detected' });
    if (updated.outcome !== 'updated') return again(attempt);
  } else {
    life.notices.add(record.id, 'reuse_detected');
  }
  return refuse('reuse_detected', { reason: 'reuse_detected', sessionId: record.id });
}

async function judgeActor(attempt: Attempt, held: Admitted, standing: Standing): Promise<Tracked> {
  const { life } = attempt;
  if (await actorChanged(life, held.record)) return endAndRefuse(life, held.record, { reason: 'subject_changed' });
  return judgeSecret(attempt, held, standing);
}

/** An impersonation holds only while the one who acts is as they were when it began. */
export async function actorChanged(life: Life, { actor }: SessionRecord): Promise<boolean> {
  if (actor === undefined) return false;
  const { disabled, changedAt } = await life.store.subject(actor.subject);
  return disabled || changedAt >= actor.at;
}

async function judgeExpired(attempt: Attempt, found: SessionRecord, reason: EndingReason): Promise<Tracked> {
  const { life } = attempt;
  const record = await expire(life, found, reason);
  if (record === null) return refuse('sign_in_required');
  // Alive after all, where a touch that counts was written before the ending could be.
  return record.ending ? refuseEnded(life, record, record.ending) : again({ ...attempt, alive: true });
}

export async function endAndRefuse(
  life: Life,
  record: SessionRecord,
  verdict: { reason: EndingReason; keepData?: boolean; verdict?: 'reuse_detected' },
): Promise<Refused> {
  const result = await end(life, record.id, { ...verdict, by: 'system' });
  const ending = result?.record.ending;
  if (!ending) return refuse('sign_in_required');
  return result.ended ? refuseAs(result.record, ending) : refuseEnded(life, result.record, ending);
}

function admit(life: Life, held: Admitted, issue: string | null = null): Admitted {
  const { record, usedAt } = held;
  if (usedAt - record.lastSeenAt >= kindOf(life.policy, record.kind).touchInterval) life.touches.add(record.id, usedAt);
  return issue === null ? held : { ...held, issue };
}

export function without(permissions: readonly string[], lacks: readonly string[]): readonly string[] {
  return permissions.filter((name) => !lacks.includes(name));
}
