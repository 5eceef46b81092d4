import { changedSince, type Issued, refusedCreate } from './create.ts';
import { SojournError } from './errors.ts';
import { type Held, type Life, write } from './life.ts';
import { instant, knownKeys, text } from './options.ts';
import { readmit } from './readmit.ts';
import { retire } from './rotate.ts';
import type { Retired } from './session.ts';
import { Token } from './token.ts';

export interface StepUpOptions {
  /** How the subject proved themselves just now. */
  readonly factor: string;
  /**
   * When the proof was checked, as for a sign-in; default: when the request began. It must be later than whatever
   * the request itself changes of the account: `setPermissions`, `terminateAll`, `enable`.
   */
  readonly checkedAt?: number;
}

/**
 * The subject proved themselves again in the same session: the factor's time is now, and a fresh
 * secret takes over at once. The old one is refused with `token_replaced` and has no grace. Throws `subject_changed`
 * for a proof that was checked before the account changed.
 */
export async function stepUp(life: Life, held: Held, beganAt: number, given: StepUpOptions): Promise<Issued> {
  knownKeys('stepUp', given, ['factor', 'checkedAt']);
  const factor = text('stepUp.factor', given.factor);
  const checkedAt = instant('stepUp.checkedAt', given.checkedAt ?? beganAt);
  for (let now = held; ; now = await readmit(life, now)) {
    const { record } = now;
    if (record.subject === null || record.actor) {
      throw new SojournError('state_invalid', 'stepUp: use a signed-in session of one’s own.');
    }
    await refuseChanged(life, now, record.subject, checkedAt);
    const secret = life.random.text(32);
    const digest = life.hash.digest(secret);
    const provedAt = life.store.now();
    const dead = (hash: string): Retired => ({ hash, until: 0, replaced: true });
    const updated = await write(
      life,
      record,
      {
        secretHash: digest,
        generation: record.generation + 1,
        successor: undefined,
        retired: retire(
          record.retired,
          dead(record.secretHash),
          ...(record.successor ? [dead(record.successor.hash)] : []),
        ),
        rotatedAt: provedAt,
        formKey: life.random.text(16),
        factors: [...record.factors.filter(({ method }) => method !== factor), { method: factor, at: provedAt }],
        suspectAt: undefined,
        ...(record.grants ? { permissions: [...record.permissions, ...record.grants], grants: undefined } : {}),
      },
      held.usedAt,
      { type: 'stepped_up' },
    );
    if (updated.outcome === 'updated') {
      const { record: after } = updated;
      return {
        record: after,
        digest,
        permissions: after.permissions,
        seenAt: provedAt,
        usedAt: provedAt,
        token: new Token(record.id, secret),
      };
    }
  }
}

/** A change that lands after this look comes after the step-up: whoever keeps the session then keeps its proof. */
async function refuseChanged(life: Life, held: Held, subject: string, checkedAt: number): Promise<void> {
  const account = await life.store.subject(subject);
  // Also where the clock was set back since: a change that came after it would not show.
  if (!changedSince(account, checkedAt)) return;
  // A session that ended with the change is refused for that.
  await readmit(life, held);
  throw refusedCreate('subject_changed');
}
