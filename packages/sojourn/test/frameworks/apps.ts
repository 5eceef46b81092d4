import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { expressSessions } from '../../src/frameworks/express.ts';
import { fastifySessions } from '../../src/frameworks/fastify.ts';
import { fetchSessions } from '../../src/frameworks/fetch.ts';
import { honoSessions } from '../../src/frameworks/hono.ts';
import { nodeSessions } from '../../src/frameworks/node.ts';
import { endWith } from '../../src/live/live.ts';
import type { Session } from '../../src/session.ts';
import type { Sessions } from '../../src/sessions.ts';
import type { Data, Permission } from '../lab.ts';

/** One and the same application in every framework, as its users would write it. */
export interface App {
  readonly origin: string;
  /** What `POST /act` has done: an effect that cannot be taken back. */
  readonly acted: string[];
  close(): Promise<void>;
}

type S = Sessions<Data, Permission>;
type Build = (sessions: S, acted: string[]) => Promise<Server>;

/** What `GET /` says of a session. */
function told(session: Session<Data, Permission>): object {
  return {
    state: session.state,
    id: session.id,
    subject: session.subject,
    permissions: session.permissions,
    data: session.data,
    refused: session.refused,
  };
}

/** What `GET /wait` answers once its session has ended. */
async function ended(session: Session<Data, Permission>, acted: string[]): Promise<object> {
  const { promise, resolve } = Promise.withResolvers<string>();
  endWith(session, resolve);
  acted.push('waits');
  return { ended: await promise };
}

const signIn = { permissions: ['read'], factor: 'password' } as const;
const binding = { stepUpPath: '/confirm' };

const overExpress: Build = async (sessions, acted) => {
  const web = expressSessions(sessions, binding);
  const app = express();
  app.use('/calm', web.trackWith({ whenUnknown: 'visitor' }));
  app.use('/eager', web.trackWith({ eager: true }));
  app.use(web.track);
  app.use(express.json(), express.urlencoded());
  app.get('/', (req, res) => void res.json(told(web.session(req))));
  app.get('/untouched', (_req, res) => void res.json({}));
  app.get('/calm', (req, res) => void res.json(told(web.session(req))));
  app.get('/eager', (req, res) => void res.json(told(web.session(req))));
  app.get('/wait', async (req, res) => void res.json(await ended(web.session(req), acted)));
  app.post('/login', async (req, res) => {
    await web.session(req).signIn(req.body.user, signIn);
    res.redirect(303, web.returnPath(req));
  });
  app.get('/login-by-link', async (req, res) => {
    await web.session(req).signIn('u1', signIn);
    res.json({});
  });
  app.post('/logout', async (req, res) => void res.json({ ended: await web.session(req).terminate() }));
  app.post('/write', async (req, res) => {
    await web.session(req).update((draft) => {
      draft.n = (draft.n ?? 0) + 1;
    });
    res.json(web.session(req).data);
  });
  app.post('/step-up', async (req, res) => {
    await web.signedIn(req).stepUp({ factor: 'totp' });
    res.json({});
  });
  app.get(
    '/orders',
    web.requireSignIn({ permission: 'read' }),
    (req, res) => void res.json({ of: web.signedIn(req).subject }),
  );
  app.get('/admin', web.requireSignIn({ permission: 'admin' }), (_req, res) => void res.json({}));
  app.get('/fresh', web.requireSignIn({ within: '10m' }), (_req, res) => void res.json({}));
  app.post('/act', web.requireSignIn(), (req, res) => {
    acted.push(req.body.act);
    res.json({});
  });
  app.post('/careless', (req, res) => {
    void web.session(req).update((draft) => {
      draft.n = 7;
    });
    res.json({});
  });
  app.post('/late', async (req, res) => {
    const session = web.session(req);
    res.json({});
    await session.signIn('u1').catch((error) => acted.push(error.code));
  });
  app.get('/overwrite', async (req, res) => {
    await web.session(req).update((draft) => {
      draft.n = 1;
    });
    res.setHeader('set-cookie', 'own=1').setHeader('cache-control', 'public').json({});
  });
  app.use(web.errors);
  return createServer(app);
};

const overFastify: Build = async (sessions, acted) => {
  const web = fastifySessions(sessions, binding);
  const app = Fastify();
  await app.register(web.track);
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  const guard = (requirement?: Parameters<typeof web.requireSignIn>[0]): object => ({
    preHandler: web.requireSignIn(requirement),
  });
  const field = (body: unknown, name: string): string =>
    body instanceof Object ? String(Reflect.get(body, name)) : '';
  app.setErrorHandler((error, request, reply) => web.answer(error, request, reply));
  app.get('/', (request) => told(web.session(request)));
  app.get('/untouched', () => ({}));
  app.get('/calm', { config: { sojourn: { whenUnknown: 'visitor' } } as object }, (request) =>
    told(web.session(request)),
  );
  app.get('/eager', { config: { sojourn: { eager: true } } as object }, (request) => told(web.session(request)));
  app.get('/wait', (request) => ended(web.session(request), acted));
  app.post('/login', async (request, reply) => {
    await web.session(request).signIn(field(request.body, 'user'), signIn);
    return reply.redirect(web.returnPath(request), 303);
  });
  app.get('/login-by-link', async (request) => {
    await web.session(request).signIn('u1', signIn);
    return {};
  });
  app.post('/logout', async (request) => ({ ended: await web.session(request).terminate() }));
  app.post('/write', async (request) => {
    await web.session(request).update((draft) => {
      draft.n = (draft.n ?? 0) + 1;
    });
    return web.session(request).data;
  });
  app.post('/step-up', async (request) => {
    await web.signedIn(request).stepUp({ factor: 'totp' });
    return {};
  });
  app.get('/orders', guard({ permission: 'read' }), (request) => ({ of: web.signedIn(request).subject }));
  app.get('/admin', guard({ permission: 'admin' }), () => ({}));
  app.get('/fresh', guard({ within: '10m' }), () => ({}));
  app.post('/act', guard(), (request) => {
    acted.push(field(request.body, 'act'));
    return {};
  });
  app.post('/careless', (request, reply) => {
    void web.session(request).update((draft) => {
      draft.n = 7;
    });
    return reply.send({});
  });
  app.post('/late', async (request, reply) => {
    const session = web.session(request);
    await reply.send({});
    await session.signIn('u1').catch((error) => acted.push(error.code));
  });
  app.get('/overwrite', async (request, reply) => {
    await web.session(request).update((draft) => {
      draft.n = 1;
    });
    reply.removeHeader('set-cookie');
    return reply.header('set-cookie', 'own=1').header('cache-control', 'public').send({});
  });
  await app.ready();
  return app.server;
};

const overHono: Build = async (sessions, acted) => {
  const web = honoSessions(sessions, binding);
  const app = new Hono();
  app.use('/calm', web.trackWith({ whenUnknown: 'visitor' }));
  app.use('/eager', web.trackWith({ eager: true }));
  app.use(web.track);
  app.get('/', (c) => c.json(told(web.session(c))));
  app.get('/untouched', (c) => c.json({}));
  app.get('/calm', (c) => c.json(told(web.session(c))));
  app.get('/eager', (c) => c.json(told(web.session(c))));
  app.get('/wait', async (c) => c.json(await ended(web.session(c), acted)));
  app.post('/login', async (c) => {
    const { user } = await c.req.parseBody();
    await web.session(c).signIn(String(user), signIn);
    return c.redirect(web.returnPath(c), 303);
  });
  app.get('/login-by-link', async (c) => {
    await web.session(c).signIn('u1', signIn);
    return c.json({});
  });
  app.post('/logout', async (c) => c.json({ ended: await web.session(c).terminate() }));
  app.post('/write', async (c) => {
    await c.req.text();
    await web.session(c).update((draft) => {
      draft.n = (draft.n ?? 0) + 1;
    });
    return c.json(web.session(c).data);
  });
  app.post('/step-up', async (c) => {
    await web.signedIn(c).stepUp({ factor: 'totp' });
    return c.json({});
  });
  app.get('/orders', web.requireSignIn({ permission: 'read' }), (c) => c.json({ of: web.signedIn(c).subject }));
  app.get('/admin', web.requireSignIn({ permission: 'admin' }), (c) => c.json({}));
  app.get('/fresh', web.requireSignIn({ within: '10m' }), (c) => c.json({}));
  app.post('/act', web.requireSignIn(), async (c) => {
    acted.push((await c.req.json()).act);
    return c.json({});
  });
  app.post('/careless', (c) => {
    void web.session(c).update((draft) => {
      draft.n = 7;
    });
    return c.json({});
  });
  app.post('/late', (c) => {
    const session = web.session(c);
    setImmediate(() => void session.signIn('u1').catch((error) => acted.push(error.code)));
    return c.json({});
  });
  app.get('/overwrite', async (c) => {
    await web.session(c).update((draft) => {
      draft.n = 1;
    });
    return c.json({}, 200, { 'cache-control': 'public' });
  });
  return createAdaptorServer({ fetch: app.fetch }) as Server;
};

const overNode: Build = async (sessions, acted) => {
  const web = nodeSessions(sessions, binding);
  const orders = web.requireSignIn({ permission: 'read' });
  const admin = web.requireSignIn({ permission: 'admin' });
  const fresh = web.requireSignIn({ within: '10m' });
  const anyone = web.requireSignIn();
  const track = (options?: Parameters<typeof web.track>[1]): ReturnType<typeof web.track> =>
    web.track(async (req, res) => {
      const session = web.session(req);
      const json = (body: unknown): void =>
        void res.setHeader('content-type', 'application/json').end(JSON.stringify(body));
      const form = async (): Promise<URLSearchParams> => new URLSearchParams(await (await session.body()).text());
      switch (`${req.method?.replace('HEAD', 'GET')} ${URL.parse(req.url ?? '/', 'http://x')?.pathname}`) {
        case 'GET /':
        case 'GET /calm':
        case 'GET /eager':
          return json(told(session));
        case 'GET /wait':
          return json(await ended(session, acted));
        case 'POST /login': {
          await session.signIn((await form()).get('user') ?? '', signIn);
          return void res.writeHead(303, { location: web.returnPath(req) }).end();
        }
        case 'GET /login-by-link':
          await session.signIn('u1', signIn);
          return json({});
        case 'POST /logout':
          return json({ ended: await session.terminate() });
        case 'POST /write':
          await session.body();
          await session.update((draft) => {
            draft.n = (draft.n ?? 0) + 1;
          });
          return json(session.data);
        case 'POST /step-up':
          await web.signedIn(req).stepUp({ factor: 'totp' });
          return json({});
        case 'GET /orders':
          return json({ of: (await orders(req)).subject });
        case 'GET /admin':
          await admin(req);
          return json({});
        case 'GET /fresh':
          await fresh(req);
          return json({});
        case 'POST /act': {
          const body = await session.body();
          await anyone(req);
          acted.push(JSON.parse(await body.text()).act);
          return json({});
        }
        case 'POST /careless':
          void session.update((draft) => {
            draft.n = 7;
          });
          return json({});
        case 'POST /late':
          json({});
          return void (await session.signIn('u1').catch((error) => acted.push(error.code)));
        case 'GET /overwrite':
          await session.update((draft) => {
            draft.n = 1;
          });
          res.setHeader('set-cookie', 'own=1').setHeader('cache-control', 'public');
          return json({});
        default:
          return void res.writeHead(404).end();
      }
    }, options);
  const plain = track();
  const calm = track({ whenUnknown: 'visitor' });
  const eager = track({ eager: true });
  return createServer((req, res) => {
    if (req.url === '/untouched') res.setHeader('content-type', 'application/json').end('{}');
    else void (req.url === '/calm' ? calm : req.url === '/eager' ? eager : plain)(req, res);
  });
};

const overFetch: Build = async (sessions, acted) => {
  const web = fetchSessions(sessions, binding);
  const orders = web.requireSignIn({ permission: 'read' });
  const admin = web.requireSignIn({ permission: 'admin' });
  const fresh = web.requireSignIn({ within: '10m' });
  const anyone = web.requireSignIn();
  const track = (options?: Parameters<typeof web.handler>[1]): ReturnType<typeof web.handler> =>
    web.handler(async (request, session) => {
      switch (`${request.method.replace('HEAD', 'GET')} ${new URL(request.url).pathname}`) {
        case 'GET /':
        case 'GET /calm':
        case 'GET /eager':
          return Response.json(told(session));
        case 'GET /wait':
          return Response.json(await ended(session, acted));
        case 'POST /login': {
          const form = await (await session.body()).formData();
          await session.signIn(String(form.get('user')), signIn);
          return new Response(null, { status: 303, headers: { location: web.returnPath(request) } });
        }
        case 'GET /login-by-link':
          await session.signIn('u1', signIn);
          return Response.json({});
        case 'POST /logout':
          return Response.json({ ended: await session.terminate() });
        case 'POST /write':
          await session.body();
          await session.update((draft) => {
            draft.n = (draft.n ?? 0) + 1;
          });
          return Response.json(session.data);
        case 'POST /step-up':
          if (session.state === 'signed-in') await session.stepUp({ factor: 'totp' });
          return Response.json({});
        case 'GET /orders':
          return Response.json({ of: (await orders(request)).subject });
        case 'GET /admin':
          await admin(request);
          return Response.json({});
        case 'GET /fresh':
          await fresh(request);
          return Response.json({});
        case 'POST /act': {
          const body = await session.body();
          await anyone(request);
          acted.push(JSON.parse(await body.text()).act);
          return Response.json({});
        }
        case 'POST /careless':
          void session.update((draft) => {
            draft.n = 7;
          });
          return Response.json({});
        case 'POST /late':
          setImmediate(() => void session.signIn('u1').catch((error) => acted.push(error.code)));
          return Response.json({});
        case 'GET /overwrite':
          await session.update((draft) => {
            draft.n = 1;
          });
          return Response.json({}, { headers: { 'cache-control': 'public' } });
        default:
          return new Response(null, { status: 404 });
      }
    }, options);
  const plain = track();
  const calm = track({ whenUnknown: 'visitor' });
  const eager = track({ eager: true });
  const fetch = (request: Request): Response | Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === '/untouched') return Response.json({});
    return (pathname === '/calm' ? calm : pathname === '/eager' ? eager : plain)(request);
  };
  return createAdaptorServer({ fetch }) as Server;
};

export const frameworks: Readonly<Record<string, Build>> = {
  express: overExpress,
  fastify: overFastify,
  hono: overHono,
  node: overNode,
  fetch: overFetch,
};

/** The application of a framework, listening on a free port of loopback. */
export async function listen(build: Build, sessions: S): Promise<App> {
  const acted: string[] = [];
  const server = await build(sessions, acted);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    acted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
