import fastify from 'fastify';
import { fastifySessions } from 'sojourn/fastify';
import type { Candidate } from './candidate.ts';
import { path, permission } from './people.ts';
import { beats, recordBytes, sessions, signIn } from './sojourn.ts';

export async function open(): Promise<Candidate> {
  const app = fastify();
  const web = fastifySessions(sessions);
  await app.register(web.track);
  app.get(path, { preHandler: web.requireSignIn({ permission }) }, (request, reply) => {
    reply.send({ user: web.signedIn(request).subject });
  });
  return {
    listen: async () => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port),
    signIn,
    recordBytes,
    beats,
  };
}
