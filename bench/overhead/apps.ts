import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { createSessions, type SessionRecord } from 'sojourn';
import { expressSessions } from 'sojourn/express';
import { fastifySessions } from 'sojourn/fastify';
import { honoSessions } from 'sojourn/hono';
import { nodeSessions } from 'sojourn/node';
import { origin, path, permission, user } from '../route/people.ts';
import { leastCheck } from './least.ts';
import type { Stub } from './stub.ts';

export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** The same route three times in each framework: without a session, with the least by hand, with ours. */
export interface Apps {
  readonly bare: Listener;
  readonly least: Listener;
  readonly sojourn: Listener;
}

type Find = (id: string) => SessionRecord;

export async function allApps(stub: Stub): Promise<Readonly<Record<string, Apps>>> {
  const sessions = createSessions({ store: stub.store, origin, sweepEvery: 'never' });
  const find: Find = (id) => stub.store.find(id) as SessionRecord;
  return {
    fastify: await fastifyApps(fastifySessions(sessions), find),
    express: expressApps(expressSessions(sessions), find),
    hono: honoApps(honoSessions(sessions), find),
    node: nodeApps(nodeSessions(sessions), find),
  };
}

async function fastifyApps(web: ReturnType<typeof fastifySessions>, find: Find): Promise<Apps> {
  const bare = fastify();
  bare.get(path, (_request, reply) => {
    reply.send({ user: user(0) });
  });
  const least = fastify();
  least.decorateRequest('subject', '');
  least.route({
    method: 'GET',
    url: path,
    onRequest(request, reply, done) {
      const record = leastCheck(request.headers.cookie, permission, find);
      if (record === null) {
        reply.code(401).send({ error: 'refused' });
        return;
      }
      reply.header('cache-control', 'no-store');
      request.subject = record.subject ?? '';
      done();
    },
    handler(request, reply) {
      reply.send({ user: request.subject });
    },
  });
  const sojourn = fastify();
  await sojourn.register(web.track);
  sojourn.get(path, { preHandler: web.requireSignIn({ permission }) }, (request, reply) => {
    reply.send({ user: web.signedIn(request).subject });
  });
  const ready = async (app: FastifyInstance): Promise<Listener> => {
    await app.ready();
    return (request, response) => app.routing(request, response);
  };
  return { bare: await ready(bare), least: await ready(least), sojourn: await ready(sojourn) };
}

function expressApps(web: ReturnType<typeof expressSessions>, find: Find): Apps {
  const bare = express();
  bare.get(path, (_req, res) => {
    res.json({ user: user(0) });
  });
  const least = express();
  least.get(
    path,
    (req, res, next) => {
      const record = leastCheck(req.headers.cookie, permission, find);
      if (record === null) {
        res.status(401).json({ error: 'refused' });
        return;
      }
      res.setHeader('cache-control', 'no-store');
      res.locals['user'] = record.subject;
      next();
    },
    (_req, res) => {
      res.json({ user: res.locals['user'] });
    },
  );
  const sojourn = express();
  sojourn.use(web.track);
  sojourn.get(path, web.requireSignIn({ permission }), (req, res) => {
    res.json({ user: web.signedIn(req).subject });
  });
  return { bare, least, sojourn };
}

function honoApps(web: ReturnType<typeof honoSessions>, find: Find): Apps {
  const bare = new Hono();
  bare.get(path, (c) => c.json({ user: user(0) }));
  const least = new Hono<{ Variables: { user: string | null } }>();
  least.get(
    path,
    async (c, next) => {
      const record = leastCheck(c.req.header('cookie'), permission, find);
      if (record === null) return c.json({ error: 'refused' }, 401);
      c.header('cache-control', 'no-store');
      c.set('user', record.subject);
      await next();
      return undefined;
    },
    (c) => c.json({ user: c.get('user') }),
  );
  const sojourn = new Hono();
  sojourn.use(web.track);
  sojourn.get(path, web.requireSignIn({ permission }), (c) => c.json({ user: web.signedIn(c).subject }));
  const listener = (app: Pick<Hono, 'fetch'>): Listener => getRequestListener(app.fetch) as Listener;
  return { bare: listener(bare), least: listener(least), sojourn: listener(sojourn) };
}

function nodeApps(web: ReturnType<typeof nodeSessions>, find: Find): Apps {
  const answer = (res: ServerResponse, body: object): void => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(body));
  };
  const orders = web.requireSignIn({ permission });
  return {
    bare: (_req, res) => answer(res, { user: user(0) }),
    least(req, res) {
      const record = leastCheck(req.headers.cookie, permission, find);
      res.setHeader('cache-control', 'no-store');
      if (record === null) res.statusCode = 401;
      answer(res, { user: record?.subject });
    },
    sojourn: web.track(async (req, res) => {
      const { subject } = await orders(req);
      answer(res, { user: subject });
    }),
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    subject: string;
  }
}
