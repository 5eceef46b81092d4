import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { fastifySessions } from '../../src/frameworks/fastify.ts';
import { code, Lab } from '../lab.ts';

/* What only Fastify's binding can get wrong. */

test('G16: a cookie that an answer past Fastify leaves behind is said [fastify]', async () => {
  const ends: readonly ((reply: FastifyReply) => void)[] = [
    (reply) => void reply.hijack().raw.end('{}'),
    (reply) => void reply.raw.end('{}'),
  ];
  for (const end of ends) {
    const lab = new Lab();
    const web = fastifySessions(lab.sessions);
    const app = Fastify();
    await app.register(web.track);
    app.post('/login', async (request, reply) => {
      await web.session(request).signIn('u1');
      const finished = once(reply.raw, 'finish');
      end(reply);
      await finished;
    });
    const origin = await app.listen({ port: 0, host: 'localhost' });
    const answer = await fetch(`${origin}/login`, { method: 'POST', headers: { origin } });
    await answer.text();
    assert.deepEqual(answer.headers.getSetCookie(), []);
    while (!lab.log.some((entry) => entry.code === 'cookie_overwritten')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await app.close();
  }
});

test('G16: a route’s options are checked when the route is made [fastify]', async () => {
  for (const sojourn of [{ readonly: true }, 'passive']) {
    const app = Fastify();
    await app.register(fastifySessions(new Lab().sessions).track);
    assert.throws(() => app.get('/', { config: { sojourn } as object }, () => ({})), code('option_invalid'));
  }
});

test('a route’s options hold, whether it was made before the plugin was loaded, after, or in another plugin [fastify]', async () => {
  const made: Readonly<Record<string, (app: FastifyInstance, route: () => void) => Promise<void>>> = {
    before: async (_app, route) => route(),
    after: async (app, route) => {
      await app.after();
      route();
    },
    within: async (app, route) => {
      await app.register(async () => route());
    },
  };
  for (const [when, make] of Object.entries(made)) {
    const app = Fastify();
    const web = fastifySessions(new Lab().sessions);
    void app.register(web.track);
    await make(app, () => {
      app.get('/', { config: { sojourn: { eager: true } } as object }, async (request) => web.session(request).state);
    });
    const headers = {
      host: 'localhost',
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    assert.equal((await app.inject({ url: '/', headers })).body, 'anonymous', when);
    await app.close();
  }
});
