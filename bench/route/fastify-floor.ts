import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Candidate } from './candidate.ts';
import { device } from './device.ts';
import { awaited, recordBytes, signedIn, signIn } from './floor.ts';
import { path, permission } from './people.ts';

declare module 'fastify' {
  interface FastifyRequest {
    user: string;
  }
}

function admits(request: FastifyRequest, reply: FastifyReply): boolean {
  const session = signedIn(request.headers.cookie, permission);
  if (typeof session === 'number') {
    reply.code(session).send({ error: 'refused' });
    return false;
  }
  reply.header('cache-control', 'no-store');
  request.user = session.subject;
  return true;
}

export async function open(): Promise<Candidate> {
  const app = fastify();
  app.decorateRequest('user', '');
  app.route({
    method: 'GET',
    url: path,
    onRequest: awaited
      ? async (request, reply) => (admits(request, reply) ? undefined : reply)
      : (request, reply, done) => {
          if (admits(request, reply)) done();
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
