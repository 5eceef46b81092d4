import type { FastifyReply, FastifyRequest } from 'fastify';
import { barOf, type Context } from '../context.ts';
import { reasons } from '../login/page.ts';
import { lifePage } from './page.ts';

export function showLife(context: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const session = context.web.session(request);
  const reason = session.state === 'none' ? session.refused?.reason : undefined;
  return reply.type('text/html').send(
    lifePage({
      bar: barOf(context, request),
      state: session.state,
      id: session.id,
      why: reason ? `Your last session ended because ${reasons[reason]}.` : null,
    }),
  );
}

/** JSON: the signed-in session. Behind `requireSignIn`, so anybody else gets a 401 problem. */
export function showSession({ web }: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { id, subject, kind, permissions, factors, createdAt, signedInAt, lastSeenAt, idleUntil, expiresAt, actor } =
    web.signedIn(request);
  return reply.send({
    id,
    subject,
    kind,
    permissions,
    factors,
    createdAt,
    signedInAt,
    lastSeenAt,
    idleUntil,
    expiresAt,
    actor: actor?.subject ?? null,
  });
}
