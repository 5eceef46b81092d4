import type { FastifyReply, FastifyRequest } from 'fastify';
import { barOf, type Context, field } from '../context.ts';
import { loginPage } from './page.ts';

const refused = 'That username and password do not belong together.';

export function showLogin(context: Context, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { refused } = context.web.session(request);
  const { searchParams } = new URL(request.url, 'http://local.invalid');
  return reply.type('text/html').send(
    loginPage({
      bar: barOf(context, request),
      action: request.url,
      ended: refused?.reason ?? null,
      unsent: searchParams.has('unsent'),
      error: null,
      username: '',
    }),
  );
}

/** Sign-in. Wrong, unknown and disabled are answered alike and after as long. */
export async function signIn(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { web, users, throttle } = context;
  const username = field(request, 'username').trim();
  const again = (status: number, error: string): FastifyReply =>
    reply
      .code(status)
      .type('text/html')
      .send(
        loginPage({ bar: barOf(context, request), action: request.url, ended: null, unsent: false, error, username }),
      );

  const wait = throttle.attempt(username, request.ip);
  if (wait > 0) {
    const seconds = Math.ceil(wait / 1000);
    reply.header('retry-after', seconds);
    return again(429, `Too many attempts. Try again in ${seconds} s.`);
  }
  const checkedAt = Date.now();
  const user = await users.verify(username, field(request, 'password'));
  if (user === null) return again(401, refused);
  throttle.succeeded(username, request.ip);

  const session = web.session(request);
  await session.signIn(user.id, {
    permissions: user.permissions,
    factor: 'password',
    remember: field(request, 'remember') === 'on',
    checkedAt,
  });
  const { searchParams } = new URL(request.url, 'http://local.invalid');
  if (searchParams.has('unsent')) {
    await session.update((draft) => {
      draft.message = 'Your session had ended, so what you sent was not carried out. Send it again.';
    });
  }
  return reply.redirect(web.returnPath(request), 303);
}

export async function signOut({ web }: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  await web.session(request).terminate();
  return reply.redirect('/', 303);
}
