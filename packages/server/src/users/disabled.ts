import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';

/**
 * A `preHandler` that ends the session of a disabled account and refuses the request. Whoever disabled it ended
 * its sessions too; this is for one that was out of their reach, as in a store that the server has left and
 * come back to.
 */
export function refuseDisabled({ web, sessions, users }: Context): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const session = web.session(request);
    if (session.state !== 'signed-in' || !users.byId(session.subject)?.disabled) return;
    await sessions.terminate(session.id, { reason: 'account_disabled', by: 'operator' });
    // Throws why it is not live any more, as any request after it is told.
    await session.assertLive();
  };
}
