import type { FastifyRequest } from 'fastify';
import { type Context, say } from '../context.ts';

/*
 * A new password and the endings that come with it are kept in two places, so a store that is out, or a process
 * that dies, can come between them. What the password owes stands beside it until it has been done: by whoever
 * set it, else before the next request or sign-in of that account is served. No clock is asked.
 */

export const passwordChanged = 'Your password has been changed.';

/** Ends what the passwords of an account have not ended yet. How many that were; `null`: nothing was owed. */
export async function endOwed(
  { sessions, users }: Pick<Context, 'sessions' | 'users'>,
  id: string,
): Promise<number | null> {
  let ended: number | null = null;
  for (const { number, ...ending } of users.owed(id)) {
    ended = (ended ?? 0) + (await sessions.terminateAll(id, { ...ending, reason: 'password_changed' }));
    users.settle(number);
  }
  return ended;
}

/** A `preHandler` that lets nobody in before what their account owes has been done, nor what that has ended. */
export function endOwedFirst(context: Context): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const session = context.web.session(request);
    if (session.state !== 'signed-in') return;
    const { subject, actor } = session;
    // Whoever acts as somebody else does so by their own password.
    const byActor = actor && (await endOwed(context, actor.subject));
    const bySubject = await endOwed(context, subject);
    if (byActor === null && bySubject === null) return;
    await session.assertLive();
    // Whoever set it was told of an outage, or of nothing.
    if (actor === null) await say(session, passwordChanged);
  };
}
