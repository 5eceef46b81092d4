import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { answerLife } from './answer.ts';

/** `GET /`: the life of the visitor's own session. */
export function showLife(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return answerLife(context, request, reply);
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
