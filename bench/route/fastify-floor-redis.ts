import fastify from 'fastify';
import type { Candidate } from './candidate.ts';
import { device } from './device.ts';
import { recordBytes, signedIn, signIn } from './floor-redis.ts';
import { path, permission } from './people.ts';

declare module 'fastify' {
  interface FastifyRequest {
    user: string;
  }
}

export async function open(): Promise<Candidate> {
  const app = fastify();
  app.decorateRequest('user', '');
  app.route({
    method: 'GET',
    url: path,
    onRequest(request, reply, done) {
      signedIn(request.headers.cookie, permission).then((session) => {
        if (typeof session === 'number') {
          reply.code(session).send({ error: 'refused' });
          return;
        }
        reply.header('cache-control', 'no-store');
        request.user = session.subject;
        done();
      }, done);
    },
    handler(request, reply) {
      reply.send({ user: request.user });
    },
  });
  return {
    listen: async () => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port),
    signIn: (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
