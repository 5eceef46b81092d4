import type { FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import type { Context } from '../context.ts';
import type { Checked } from '../users/users.ts';

/** Whose password was right. `checkedAt`: the engine's time before it was read, so that a change of the account meanwhile wins. */
export interface Proved extends Checked {
  readonly checkedAt: number;
}

export type Outcome =
  | { readonly outcome: 'proved' }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wait'; readonly seconds: number };

/**
 * The first may come before a change of the account, and the second begin in the millisecond of the change, which
 * counts as before it. A check takes longer than that, so the third comes after.
 */
const mostChecks = 3;

/**
 * A name and its password, tried at the pace the throttle allows, and what is done by their leave. Where the account
 * has changed since the check, `use` throws `subject_changed`, and all is done once more: nothing follows from a
 * password that was not checked strictly after the account's last change. Wrong, unknown and disabled look alike and
 * take as long.
 */
export async function prove(
  context: Context,
  request: FastifyRequest,
  name: string,
  password: string,
  use: (proved: Proved) => Promise<void>,
): Promise<Outcome> {
  const { sessions, users, owed, throttle, web } = context;
  // Whose address is not known share one count.
  const address = web.network(request) ?? 'unknown';
  const wait = throttle.attempt(name, address);
  if (wait > 0) return { outcome: 'wait', seconds: Math.ceil(wait / 1000) };
  for (let check = 1; ; check++) {
    const checkedAt = sessions.now();
    const checked = await users.verify(name, password);
    if (checked === null) return { outcome: 'refused' };
    // However often it is checked, it is one attempt.
    if (check === 1) throttle.succeeded(name, address);
    // It may be the password before: what is owed changes the account, so that is found out by `use`.
    await owed.end(checked.user.id);
    try {
      await use({ ...checked, checkedAt });
      return { outcome: 'proved' };
    } catch (error) {
      if (check === mostChecks || !(error instanceof SojournError && error.code === 'subject_changed')) throw error;
    }
  }
}

/** What is said where the proof did not come off, and with which status. */
export function unprovedAnswer(outcome: Exclude<Outcome, { outcome: 'proved' }>): { status: number; says: string } {
  return outcome.outcome === 'wait'
    ? { status: 429, says: `Too many attempts. Try again in ${outcome.seconds} s.` }
    : { status: 401, says: 'Incorrect username or password.' };
}
