import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Context, field, frameOf, say } from '../context.ts';
import { keepCopy } from '../life/copy.ts';
import { ownToken } from '../life/own-cookie.ts';
import { tombstonePath } from '../life/tombstone.ts';
import { firstAccount } from './first-account.ts';
import { loginPage } from './page.ts';
import { prove, unprovedAnswer } from './prove.ts';

const unsentMessage = 'Your session had ended, so what you sent was not carried out. Send it again.';

export async function showLogin(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { refused } = context.web.session(request);
  return reply.type('text/html; charset=utf-8').send(
    loginPage({
      frame: await frameOf(context, request),
      action: request.url,
      ended: refused?.reason ?? null,
      unsent: isUnsent(request),
      error: null,
      hint: firstAccount(context),
      username: '',
    }),
  );
}

export async function signIn(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { web } = context;
  const username = field(request, 'username').trim();
  const session = web.session(request);
  // What the sign-in ends: the visitor's session, or the one that somebody was signed in with.
  const old = session.state === 'none' ? null : ownToken(context, request);
  const remember = field(request, 'remember') === 'on';
  const proof = await prove(context, request, username, field(request, 'password'), ({ user, checkedAt }) =>
    session.signIn(user.id, { permissions: user.permissions, factor: 'password', remember, checkedAt }),
  );
  if (proof.outcome !== 'proved') {
    const { status, says } = unprovedAnswer(proof);
    if (proof.outcome === 'wait') reply.header('retry-after', proof.seconds);
    const frame = await frameOf(context, request);
    const hint = firstAccount(context);
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(loginPage({ frame, action: request.url, ended: null, unsent: false, error: says, hint, username }));
  }
  keepCopy(context, request, reply, old);
  if (isUnsent(request)) await say(session, unsentMessage);
  return reply.redirect(web.returnPath(request), 303);
}

/** Whether a form was sent after its session had ended. */
function isUnsent({ url }: FastifyRequest): boolean {
  return new URL(url, 'http://local.invalid').searchParams.has('unsent');
}

/** Leads to the tombstone of the session, where there was one. */
export async function signOut(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const session = context.web.session(request);
  const { id } = session;
  const old = id === null ? null : ownToken(context, request);
  await session.terminate();
  keepCopy(context, request, reply, old);
  return reply.redirect(id === null ? '/' : tombstonePath(context, id), 303);
}
