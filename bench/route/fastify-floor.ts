import fastify from 'fastify';
import type { Candidate } from './candidate.ts';
import { device } from './device.ts';
import { recordBytes, signedIn, signIn } from './floor.ts';
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
      const session = signedIn(request.headers.cookie, permission);
      if (typeof session === 'number') {
        reply.code(session).send({ error: 'refused' });
        return;
      }
      reply.header('cache-control', 'no-store');
      request.user = session.subject;
      done();
    },
    handler(request, reply) {
      reply.send({ user: request.user });
    },
  });
  return {
    listen: async () => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port),
    signIn: async (user, permissions) => signIn(user, permissions, device),
    recordBytes,
  };
}
