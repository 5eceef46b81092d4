import fastify from 'fastify';
import { getIronSession } from 'iron-session';
import { type Candidate, signInOverHttp } from './candidate.ts';
import { path, permission } from './people.ts';

declare module 'fastify' {
  interface FastifyRequest {
    user: string;
  }
}

interface Sealed {
  user: string;
  permissions: readonly string[];
}

const options = {
  cookieName: 'iron',
  password: 'a secret of this benchmark, forty characters',
  cookieOptions: { secure: false },
};

/** The session is sealed in the cookie: nothing is looked up, and nothing can be revoked. */
export async function open(): Promise<Candidate> {
  const app = fastify();
  app.decorateRequest('user', '');
  app.route({
    method: 'GET',
    url: path,
    async preHandler(request, reply) {
      const session = await getIronSession<Sealed>(request.raw, reply.raw, options);
      if (session.user === undefined) return reply.code(401).send({ error: 'refused' });
      if (!session.permissions?.includes(permission)) return reply.code(403).send({ error: 'refused' });
      request.user = session.user;
      return undefined;
    },
    handler(request, reply) {
      reply.send({ user: request.user });
    },
  });
  app.post<{ Querystring: { user: string; permissions: string } }>('/sign-in', async (request, reply) => {
    const session = await getIronSession<Sealed>(request.raw, reply.raw, options);
    session.user = request.query.user;
    session.permissions = request.query.permissions.split(',');
    await session.save();
    return {};
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
