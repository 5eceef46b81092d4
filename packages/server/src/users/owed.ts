import type { FastifyRequest } from 'fastify';
import type { EndingReason } from 'sojourn';
import { type Context, type SignedInSession, say } from '../context.ts';
import type { Stores } from '../stores.ts';
import type { OwedEnding } from './users.ts';

/*
 * What is said of an account, and the endings that come with it, are kept in two places, so a store that is out, or a
 * process that dies, can come between them. What a password owes stands beside it until it has been done: by whoever
 * set it, else before the next request or sign-in of that account is served, or at the next beat of a stream that is
 * open. There a session of a disabled account ends too, as long as the account is disabled. No clock is asked.
 */

export const passwordChanged = 'Your password has been changed.';

type Numbered = OwedEnding & { readonly number: number };

/** One a process: what is under way there is known to it. */
export class Owed {
  readonly #stores: Pick<Stores, 'sessions' | 'users'>;
  readonly #underWay = new Map<string, Promise<number>>();

  constructor(stores: Pick<Stores, 'sessions' | 'users'>) {
    this.#stores = stores;
  }

  /**
   * Ends what the passwords of an account have not ended yet. How many sessions that were; `null`: nothing was owed.
   * Whoever asks meanwhile waits for the same endings: one of their own could land late, after a sign-in with the new
   * password.
   */
  async end(id: string): Promise<number | null> {
    const underWay = this.#underWay.get(id);
    if (underWay !== undefined) return underWay;
    const [first] = this.#stores.users.owed(id);
    if (first === undefined) return null;
    const ending = this.#endFrom(first, id);
    this.#underWay.set(id, ending);
    return ending;
  }

  /**
   * Ends what the file of the accounts says may not go on: what a password owes, and a session of a disabled account.
   * Whoever acts in it as somebody else does so by their own. Whether there was anything to end.
   */
  async endOf(session: SignedInSession): Promise<boolean> {
    const barred = this.#barred(session);
    if (barred !== null) {
      await this.#stores.sessions.terminate(session.id, { reason: barred, by: 'operator' });
      return true;
    }
    const { subject, actor } = session;
    const byActor = actor && (await this.end(actor.subject));
    const bySubject = await this.end(subject);
    return byActor !== null || bySubject !== null;
  }

  /** For which reason nobody may be in a session. The subject reads it too, whose own account may be in order. */
  #barred({ subject, actor }: SignedInSession): EndingReason | null {
    const { users } = this.#stores;
    if (users.byId(subject)?.disabled) return 'account_disabled';
    return actor && users.byId(actor.subject)?.disabled ? 'subject_changed' : null;
  }

  /** Each is looked up just before it is ended: another process may have ended it, and a new one have come. */
  async #endFrom(first: Numbered, id: string): Promise<number> {
    const { sessions, users } = this.#stores;
    let ended = 0;
    try {
      for (let next: Numbered | undefined = first; next; [next] = users.owed(id)) {
        const { number, ...ending } = next;
        ended += await sessions.terminateAll(id, { ...ending, reason: 'password_changed' });
        users.settle(number);
      }
      return ended;
    } finally {
      // In one go with the look that found no more: who comes after it looks for themselves.
      this.#underWay.delete(id);
    }
  }
}

/** A `preHandler` that lets nobody in before what the file of the accounts says has been ended, nor what that has ended. */
export function endOwedFirst({ web, owed }: Context): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const session = web.session(request);
    if (session.state !== 'signed-in') return;
    if (!(await owed.endOf(session))) return;
    await session.assertLive();
    // Whoever set it was told of an outage, or of nothing.
    if (session.actor === null) await say(session, passwordChanged);
  };
}
