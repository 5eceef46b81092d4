import { DatabaseSync } from 'node:sqlite';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { fromNodeHeaders } from 'better-auth/node';
import fastify from 'fastify';
import { type Candidate, cookiesIn } from './candidate.ts';
import { origin, path, permission } from './people.ts';

declare module 'fastify' {
  interface FastifyRequest {
    user: string;
  }
}

/** On `node:sqlite`; with BENCH_CACHE `on` its cookie cache, which serves a session for so long whatever became of it. */
export async function open(): Promise<Candidate> {
  const database = new DatabaseSync(`${process.env['BENCH_FOLDER']}/better-auth-${process.pid}.db`);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA mmap_size = 268435456;');
  const auth = betterAuth({
    database,
    baseURL: origin,
    secret: 'a secret of this benchmark, forty characters',
    // Signing in is not measured: passwords stay as they are, so that a thousand accounts are made quickly.
    emailAndPassword: {
      enabled: true,
      password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password },
    },
    user: { additionalFields: { permissions: { type: 'string', required: true, defaultValue: '' } } },
    session: { cookieCache: { enabled: process.env['BENCH_CACHE'] === 'on', maxAge: 300 } },
    telemetry: { enabled: false },
  });
  await (await getMigrations(auth.options)).runMigrations();

  const app = fastify();
  app.decorateRequest('user', '');
  app.route({
    method: 'GET',
    url: path,
    async preHandler(request, reply) {
      const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
      if (found === null) return reply.code(401).send({ error: 'refused' });
      if (!found.user.permissions.split(',').includes(permission)) return reply.code(403).send({ error: 'refused' });
      request.user = found.user.name;
      return undefined;
    },
    handler(request, reply) {
      reply.send({ user: request.user });
    },
  });
  return {
    listen: async () => Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port),
    async signIn(name, permissions) {
      const body = {
        name,
        email: `${name}@app.example`,
        password: 'correct horse',
        permissions: permissions.join(','),
      };
      const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true });
      // The session's own last.
      return cookiesIn(headers).reverse().join('; ');
    },
  };
}
