import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Context, field, frameOf, say } from '../context.ts';
import { loginPage } from './page.ts';
import { prove, refusalOf } from './prove.ts';

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
      username: '',
    }),
  );
}

export async function signIn(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { web } = context;
  const username = field(request, 'username').trim();
  const proof = await prove(context, request, username, field(request, 'password'));
  if (proof.outcome !== 'proved') {
    const { status, says } = refusalOf(proof);
    if (proof.outcome === 'wait') reply.header('retry-after', proof.seconds);
    const frame = await frameOf(context, request);
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(loginPage({ frame, action: request.url, ended: null, unsent: false, error: says, username }));
  }
  const session = web.session(request);
  await session.signIn(proof.user.id, {
    permissions: proof.user.permissions,
    factor: 'password',
    remember: field(request, 'remember') === 'on',
    checkedAt: proof.checkedAt,
  });
  if (isUnsent(request)) await say(session, unsentMessage);
  return reply.redirect(web.returnPath(request), 303);
}

/** Whether a form was sent after its session had ended. */
function isUnsent({ url }: FastifyRequest): boolean {
  return new URL(url, 'http://local.invalid').searchParams.has('unsent');
}

export async function signOut({ web }: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  await web.session(request).terminate();
  return reply.redirect('/', 303);
}
