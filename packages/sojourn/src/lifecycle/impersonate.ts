import { type Issued, type Requester, replace } from './create.ts';
import { type Duration, milliseconds } from './duration.ts';
import { SojournError } from './errors.ts';
import { limitsOf } from './expire.ts';
import type { Held, Life } from './life.ts';
import { knownKeys, subjectName, text, texts } from './options.ts';
import type { Actor } from './session.ts';

export interface ImpersonateOptions<Permission extends string = string> {
  /** Why, for the record and for the subject's own list of devices. */
  readonly reason: string;
  readonly permissions?: readonly Permission[];
  /** How long at most; never longer than `policy.impersonateFor` nor than one's own session. */
  readonly for?: Duration;
}

/**
 * Acts as another subject: a new session of theirs that names its actor. It carries no proof of the
 * subject, ends by its own limit, and ends when the actor's account changes. One's own token ends.
 */
export function impersonate(life: Life, held: Held, subject: string, given: ImpersonateOptions): Promise<Issued> {
  const { record: own, seenAt } = held;
  knownKeys('impersonate', given, ['reason', 'permissions', 'for']);
  subjectName(subject);
  const reason = text('impersonate.reason', given.reason);
  const granted = texts('impersonate.permissions', given.permissions ?? []);
  if (own.subject === null || own.actor || own.subject === subject) {
    throw new SojournError('state_invalid', 'impersonate: use a signed-in session of one’s own.');
  }
  const longest = life.policy.impersonateFor;
  const lifetime = Math.min(longest, given.for === undefined ? longest : milliseconds(given.for, 'impersonate.for', 1));
  const actorSubject = own.subject;
  return replace(life, requesterOf(held), { subject, limited: false }, async (from) => {
    // Someone ended or replaced one's own session meanwhile: nothing to act from.
    if (from?.subject !== actorSubject)
      throw new SojournError('sign_in_required', 'Your own session has ended: sign in again.');
    if (from.suspectAt !== undefined) {
      throw new SojournError('fresh_proof_required', 'impersonate: step up first.');
    }
    const { factors, kind, data } = from;
    // What was given and waits for a new token is there with the next one.
    const permissions = [...from.permissions, ...(from.grants ?? [])];
    // What the policy allows now: coming back does not lengthen a session past a shortened policy.
    const { expiresAt } = limitsOf(from, life.policy);
    const actor: Actor = {
      subject: actorSubject,
      reason,
      at: seenAt,
      until: Math.min(life.store.now() + lifetime, expiresAt),
      own: { permissions, factors, kind, expiresAt, data },
    };
    return {
      checkedAt: seenAt,
      fresh: {
        subject,
        kind: 'standard',
        permissions: granted,
        factors: [],
        lifetime,
        notAfter: expiresAt,
        actor,
        ...(from.device ? { device: from.device } : {}),
      },
    };
  });
}

function requesterOf(held: Held): Requester {
  return { held, replacedId: null, beganAt: held.seenAt };
}

/**
 * Back to one's own session, in a new one that keeps its own absolute limit. Throws `subject_changed`
 * when one's own account changed meanwhile: sign in again then.
 */
export function stopImpersonating(life: Life, held: Held): Promise<Issued> {
  const { actor, device } = held.record;
  if (actor === undefined) throw new SojournError('state_invalid', 'stopImpersonating: impersonate first.');
  return replace(life, requesterOf(held), { subject: actor.subject, limited: true }, async (from) => {
    if (from === null) throw new SojournError('sign_in_required', 'The impersonation has ended: sign in again.');
    const { permissions, factors, kind, data, expiresAt } = actor.own;
    return {
      checkedAt: actor.at,
      fresh: {
        subject: actor.subject,
        permissions,
        factors,
        kind,
        // A second click takes the place of one's own new session, with what was written there since.
        data: from.actor ? data : from.data,
        notAfter: expiresAt,
        ...(device ? { device } : {}),
      },
    };
  });
}
