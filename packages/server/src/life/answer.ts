import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Context, type ServerSession, say } from '../context.ts';
import { copyKept } from './copy.ts';
import { ownToken } from './own-cookie.ts';
import { lifePage } from './page.ts';
import { type Beyond, viewOf } from './view.ts';

/** Answers with the life page as things are now. */
export async function answerLife(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, ...beyond }: Beyond & { readonly status?: number } = {},
): Promise<FastifyReply> {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .send(lifePage(await viewOf(context, request, { ...beyond, copy: copyKept(context, request, reply) })));
}

/** Back to the life page, where what was done is said. */
export async function sayAndReturn(
  session: ServerSession,
  reply: FastifyReply,
  message: string,
): Promise<FastifyReply> {
  await say(session, message);
  return reply.redirect('/', 303);
}

/** The request's own session looked up once more, for a handler that made something happen to it. */
export async function lookAgain(context: Context, request: FastifyRequest): Promise<ServerSession> {
  const token = ownToken(context, request);
  return token === null ? context.web.session(request) : context.sessions.track(token.reveal(), { readOnly: true });
}
