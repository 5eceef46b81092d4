import { handOver, joined } from './data.ts';
import { invalid, isError, isRefusal, SojournError } from './errors.ts';
import { type Held, type Life, operation } from './life.ts';
import { instant, knownKeys, subjectName, text, texts } from './options.ts';
import type { CreateOptions, SubjectRecord } from './ports.ts';
import { readmit } from './readmit.ts';
import type { Device, Factor, NewSession, Pending, SessionRecord } from './session.ts';
import { newId, Token } from './token.ts';

/** A session that was just made and the token for its client, which exists nowhere else. */
export interface Issued extends Held {
  readonly token: Token;
}

export interface SignInOptions<Permission extends string = string> {
  readonly permissions?: readonly Permission[];
  /** How the subject proved themselves just now: `'password'`, `'passkey'`, `'totp'`. */
  readonly factor?: string;
  /** The kind `remembered`: the cookie outlives the browser. */
  readonly remember?: boolean;
  /** A kind of the policy by name; `standard` unless `remember`. */
  readonly kind?: string;
  readonly device?: Device;
  /**
   * When the credentials were read, by the engine's clock (`sessions.now()`), not this machine's; default: when
   * the request began. A sign-in checked before a password change or a disabling is refused with `subject_changed`.
   */
  readonly checkedAt?: number;
}

/** Who asks for a new session, as far as their request tells. */
export interface Requester {
  /** The session that the request holds. */
  readonly held: Held | null;
  /** Of a request whose token had been replaced: the session that it was the token of. */
  readonly replacedId: string | null;
  readonly beganAt: number;
}

/** The parts of a new session that do not depend on what it replaces. */
export type Fresh = Pick<NewSession, 'subject' | 'permissions' | 'factors' | 'kind'> & Partial<NewSession>;

/** A visitor's session, without a subject. Throws `anonymous_refused` over the budget of their address or of the store. */
export async function createAnonymous(life: Life, data: string, address: string | null): Promise<Issued> {
  if (!life.budget.take(address)) {
    throw new SojournError('anonymous_refused', 'Too many new visitors from this address: try again in a minute.');
  }
  const made = make(life, { subject: null, permissions: [], factors: [], kind: 'anonymous', data });
  const created = await life.store.create(made.session, options(life, life.store.now()));
  if (created.outcome === 'created') return issued(life, made, created.record);
  life.budget.refused += 1;
  throw refusedCreate('anonymous_full');
}

/**
 * The subject proved who they are: a new id and a fresh secret. The session they had, if any, ends in
 * the same step, and only what the policy's handover names crosses. Throws `subject_changed` and
 * `limit_reached`.
 */
export async function signIn(life: Life, requester: Requester, subject: string, given: SignInOptions): Promise<Issued> {
  knownKeys('signIn', given, ['permissions', 'factor', 'remember', 'kind', 'device', 'checkedAt']);
  const kind = given.kind ?? (given.remember ? 'remembered' : 'standard');
  if (kind === 'anonymous' || life.policy.kinds[kind] === undefined) {
    throw invalid(`signIn: add the kind ${JSON.stringify(kind)} to policy.kinds.`);
  }
  subjectName(subject);
  const checkedAt = instant('checkedAt', given.checkedAt ?? requester.beganAt);
  const permissions = texts('signIn.permissions', given.permissions ?? []);
  if (given.device) checkDevice(given.device);
  const proved = proof(given.factor, life.store.now());
  const first = pendingOf(requester, subject);
  return replace(life, requester, { subject, limited: true }, async (from) => {
    const { kept } = await life.store.subject(subject);
    if (first !== null && from === null) {
      throw new SojournError('sign_in_required', 'The sign-in that this completes has been ended. Begin again.');
    }
    return {
      kept: kept?.id ?? null,
      // The first proof is as old as it is: a password changed since does not count.
      checkedAt: Math.min(checkedAt, first?.checkedAt ?? checkedAt),
      fresh: {
        subject,
        kind,
        permissions,
        factors: [...(first?.factors ?? []), ...proved],
        data: handedOver(life, from, subject, kept?.data ?? '{}'),
        ...(given.device ? { device: given.device } : {}),
      },
    };
  });
}

/** The password was right and a second factor is open: a new id that is still anonymous and passes no rule. */
export async function beginSignIn(
  life: Life,
  requester: Requester,
  subject: string,
  given: Pick<SignInOptions, 'factor' | 'checkedAt'>,
): Promise<Issued> {
  knownKeys('beginSignIn', given, ['factor', 'checkedAt']);
  subjectName(subject);
  const now = life.store.now();
  const checkedAt = instant('checkedAt', given.checkedAt ?? requester.beganAt);
  const account = await life.store.subject(subject);
  // A change in the future was written before the clock was set back: the sign-in itself, by the engine, has it refuse
  // once and no more.
  const changed = account.changedAt <= now && changedSince(account, checkedAt);
  if (account.disabled || changed) throw refusedCreate('subject_changed');
  const factors = proof(given.factor, now);
  const pending = { subject, factors, checkedAt, until: now + life.policy.pendingFor };
  return replace(life, requester, { subject: null, limited: false }, async (from) => ({
    checkedAt,
    fresh: {
      subject: null,
      kind: 'anonymous',
      permissions: [],
      factors: [],
      pending,
      data: from?.subject === null ? from.data : '{}',
    },
  }));
}

/** At that moment or after it (decision 006). */
export function changedSince({ changedAt }: SubjectRecord, checkedAt: number): boolean {
  return changedAt >= checkedAt;
}

function checkDevice({ label, userAgent, address, addedAt }: Device): void {
  const texts = { label, userAgent, address };
  for (const [name, value] of Object.entries(texts)) {
    if (typeof value !== 'string') throw invalid(`signIn.device.${name}: use a text.`);
  }
  instant('signIn.device.addedAt', addedAt);
}

function proof(factor: string | undefined, at: number): Factor[] {
  return factor === undefined ? [] : [{ method: text('factor', factor), at }];
}

/** Each time somebody else who holds the same session has signed in, or has written to it. */
const mostAttempts = 20;

interface Plan {
  readonly fresh: Fresh;
  readonly checkedAt: number;
  readonly kept?: string | null;
}

/**
 * Makes a session in the place of the one the request holds. `plan` says what the new one is, from
 * what it replaces; it is asked again when another request changed that meanwhile.
 */
export async function replace(
  life: Life,
  { held, replacedId }: Requester,
  { subject, limited }: { subject: string | null; limited: boolean },
  plan: (from: SessionRecord | null) => Promise<Plan>,
): Promise<Issued> {
  let from = held?.record ?? null;
  if (replacedId !== null) from = await successorOf(life, await life.store.find(replacedId), subject);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { fresh, checkedAt, kept } = await plan(from);
    const made = make(life, fresh);
    const created = await life.store.create(made.session, {
      ...options(life, checkedAt, limited),
      ...(from ? { replaces: { id: from.id, version: from.version } } : {}),
      ...(kept === undefined ? {} : { kept }),
    });
    switch (created.outcome) {
      case 'created':
        life.ended(created.ended);
        return issued(life, made, created.record);
      case 'conflict':
        from = await stillHeld(life, held, from);
        break;
      case 'gone':
        from = await successorOf(life, created.record, subject);
        break;
      default:
        throw refusedCreate(created.outcome);
    }
  }
  throw new SojournError('conflict', `Others of the same session came first ${mostAttempts} times. Sign in again.`);
}

/** The session to replace at its newest; `null` when the request's secret no longer stands for it. */
async function stillHeld(life: Life, held: Held | null, from: SessionRecord | null): Promise<SessionRecord | null> {
  if (held === null || from === null) return null;
  if (from.id !== held.record.id) return life.store.find(from.id);
  try {
    return (await readmit(life, held)).record;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/**
 * A sign-in sent twice: the second finds its session replaced, moments ago, by one of the same
 * subject, and takes that one's place. Otherwise what ended has nothing to hand over.
 */
async function successorOf(
  life: Life,
  replaced: SessionRecord | null,
  subject: string | null,
): Promise<SessionRecord | null> {
  const ending = replaced?.ending;
  if (!ending?.replacedBy || subject === null || life.store.now() - ending.at > life.policy.grace) return null;
  const next = await life.store.find(ending.replacedBy);
  return next?.subject === subject ? next : null;
}

/** The sign-in that waited for this one when the request was admitted, whatever has become of it since. */
function pendingOf({ held }: Requester, subject: string): Pending | null {
  const pending = held?.record.pending;
  return held && pending?.subject === subject && held.seenAt < pending.until ? pending : null;
}

/**
 * The new session's data: the subject's own, and of a visitor's what the policy names; nothing of
 * another subject's, nor what somebody wrote while acting as this one. Too much does not stop the sign-in: the
 * lesser part is left behind, and noted.
 */
function handedOver(life: Life, from: SessionRecord | null, subject: string, kept: string): string {
  if (from === null || from.actor || (from.subject !== null && from.subject !== subject)) return kept;
  try {
    return from.subject === null
      ? handOver(life.policy, from.data, kept, from.id)
      : joined(life.policy, from.data, kept, from.id);
  } catch (error) {
    if (!isError(error, 'data_too_large')) throw error;
    life.notices.add(from.id, error.code);
    return from.subject === null ? kept : from.data;
  }
}

interface Made {
  readonly session: NewSession;
  readonly token: Token;
}

function make(life: Life, fresh: Fresh): Made {
  const id = newId(life.random, life.hash, fresh.subject);
  const secret = life.random.text(32);
  const kind = life.policy.kinds[fresh.kind];
  if (kind === undefined)
    throw new SojournError('sign_in_required', `Add the kind ${fresh.kind} to policy.kinds again.`);
  return {
    token: new Token(id, secret),
    session: {
      idleTimeout: kind.idle,
      lifetime: kind.absolute,
      generation: 1,
      retired: [],
      formKey: life.random.text(16),
      data: '{}',
      ...fresh,
      id,
      secretHash: life.hash.digest(secret),
      operation: operation(life),
    },
  };
}

function options(life: Life, checkedAt: number, limited = true): CreateOptions {
  const { limit, onLimit, mostAnonymous, kinds } = life.policy;
  return {
    operation: operation(life),
    checkedAt,
    kinds,
    limit: { most: limited ? limit : Number.POSITIVE_INFINITY, over: onLimit },
    mostAnonymous: limited ? mostAnonymous : Number.POSITIVE_INFINITY,
  };
}

function issued(life: Life, { token, session }: Made, record: SessionRecord): Issued {
  const now = life.store.now();
  return { record, token, digest: session.secretHash, permissions: record.permissions, seenAt: now, usedAt: now };
}

export function refusedCreate(outcome: 'subject_changed' | 'limit_reached' | 'anonymous_full'): SojournError {
  switch (outcome) {
    case 'subject_changed':
      return new SojournError(outcome, 'The account changed meanwhile: ask for the password again.');
    case 'limit_reached':
      return new SojournError(outcome, 'The account has as many sessions as policy.limit: end one first.');
    case 'anonymous_full':
      return new SojournError('anonymous_refused', 'More visitors than policy.mostAnonymous: try again later.');
  }
}
