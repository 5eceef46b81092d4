import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import fastify from 'fastify';
import { type Candidate, signInOverHttp } from './candidate.ts';
import { peersStore } from './peers-redis.ts';
import { idle, path, permission } from './people.ts';

declare module 'fastify' {
  interface Session {
    user?: { readonly id: string; readonly permissions: readonly string[] };
  }
}

/** With its memory store or connect-redis, and the idle limit that the others have, which it keeps by a new cookie on every answer. */
export function open(): Promise<Candidate> {
  return openWith({ rolling: true });
}

/** `rolling: false` is cheaper and has no idle limit: the session ends so long after the sign-in. */
export async function openWith({ rolling }: { rolling: boolean }): Promise<Candidate> {
  const app = fastify();
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret: 'a secret of this benchmark, forty characters',
    cookie: { secure: false, maxAge: idle },
    saveUninitialized: false,
    rolling,
    ...(await peersStore()),
  });
  app.route({
    method: 'GET',
    url: path,
    preHandler(request, reply, done) {
      const { user } = request.session;
      if (user === undefined) reply.code(401).send({ error: 'refused' });
      else if (!user.permissions.includes(permission)) reply.code(403).send({ error: 'refused' });
      else done();
    },
    handler(request, reply) {
      reply.send({ user: request.session.user?.id });
    },
  });
  app.post<{ Querystring: { user: string; permissions: string } }>('/sign-in', (request, reply) => {
    const { user, permissions } = request.query;
    request.session.user = { id: user, permissions: permissions.split(',') };
    reply.send({});
  });
  let port = 0;
  return {
    listen: async () => {
      port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
      return port;
    },
    signIn: (user, permissions) => signInOverHttp(port, user, permissions),
  };
}
