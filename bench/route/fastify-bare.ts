import fastify from 'fastify';
import type { Candidate } from './candidate.ts';
import { path, user } from './people.ts';

export async function open(): Promise<Candidate> {
  const app = fastify();
  app.get(path, (_request, reply) => {
    reply.send({ user: user(0) });
  });
  return { listen: async () => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port) };
}
