import type { Issued } from './create.ts';
import { SojournError } from './errors.ts';
import { type Held, type Life, write } from './life.ts';
import { knownKeys, text } from './options.ts';
import { readmit } from './readmit.ts';
import { retire } from './rotate.ts';
import type { Retired } from './session.ts';
import { Token } from './token.ts';

/**
 * The subject proved themselves again in the same session: the factor's time is now, and a fresh
 * secret takes over at once. The old one is refused with `token_replaced` and has no grace.
 */
export async function stepUp(life: Life, held: Held, given: { factor: string }): Promise<Issued> {
  knownKeys('stepUp', given, ['factor']);
  const factor = text('stepUp.factor', given.factor);
  for (let now = held; ; now = await readmit(life, now)) {
    const { record } = now;
    if (record.subject === null || record.actor) {
      throw new SojournError('state_invalid', 'stepUp: use a signed-in session of one’s own.');
    }
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
