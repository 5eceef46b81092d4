import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { endOwed } from '../users/owed.ts';
import type { User } from '../users/users.ts';

/** `checkedAt`: the engine's time before the password was read, so that a change of the account meanwhile wins. */
export type Proof =
  | { readonly outcome: 'proved'; readonly user: User; readonly checkedAt: number }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wait'; readonly seconds: number };

/** A name and its password, tried at the pace the throttle allows. Wrong, unknown and disabled look alike and take as long. */
export async function prove(context: Context, request: FastifyRequest, name: string, password: string): Promise<Proof> {
  const { sessions, users, throttle, web } = context;
  // Whose address is not known share one count.
  const address = web.network(request) ?? 'unknown';
  const wait = throttle.attempt(name, address);
  if (wait > 0) return { outcome: 'wait', seconds: Math.ceil(wait / 1000) };
  let checkedAt = sessions.now();
  let user = await users.verify(name, password);
  // What was owed refuses whatever was checked before it, and this may have been the password before.
  if (user !== null && (await endOwed(context, user.id)) !== null) {
    checkedAt = sessions.now();
    user = await users.verify(name, password);
  }
  if (user === null) return { outcome: 'refused' };
  throttle.succeeded(name, address);
  return { outcome: 'proved', user, checkedAt };
}

/** What is said where the proof did not come off, and with which status. */
export function unprovedAnswer(proof: Exclude<Proof, { outcome: 'proved' }>): { status: number; says: string } {
  return proof.outcome === 'wait'
    ? { status: 429, says: `Too many attempts. Try again in ${proof.seconds} s.` }
    : { status: 401, says: 'Incorrect username or password.' };
}
