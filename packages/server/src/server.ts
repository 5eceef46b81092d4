import formbody from '@fastify/formbody';
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Clock } from 'sojourn';
import { fastifySessions } from 'sojourn/fastify';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { Connections } from './connections.ts';
import type { Context } from './context.ts';
import { CatchUps } from './events/catch-up.ts';
import { Feed } from './events/feed.ts';
import { securityHeaders } from './headers.ts';
import { watchLoop } from './operations/metrics.ts';
import { assets } from './pages/assets.ts';
import { refusals, unrouted } from './pages/refusal.ts';
import { mostRead, tooLarge, unreadable } from './pages/too-many-cookies.ts';
import { operations, type Route, routes } from './routes.ts';
import { closeStores, openStores, type Stores } from './stores.ts';
import { endOwedFirst, Owed } from './users/owed.ts';
import { Throttle } from './users/throttle.ts';

export interface Server {
  readonly app: FastifyInstance;
  readonly context: Context;
  /** Finishes requests under way, ends open streams, writes what waits, closes the stores. */
  close(): Promise<void>;
}

/** What tests put in the place of the machine's. */
export interface Machine {
  readonly clock?: Clock;
  /** Milliseconds that the engine's clock is ahead of `clock`. */
  readonly engineAhead?: number;
}

/** A request that has not finished this long after the server was told to stop is cut off. */
const longestFarewell = 10_000;

/** The whole server, not yet listening. Throws `ConfigError` when its folder, its stores or a setting cannot be used. */
export async function createServer(config: Config, machine: Machine = {}): Promise<Server> {
  const stores = await openStores(config, machine);
  try {
    return await serverOn(stores, config, machine);
  } catch (error) {
    await closeStores(stores);
    throw error;
  }
}

async function serverOn(stores: Stores, config: Config, { clock = systemClock }: Machine): Promise<Server> {
  const { sessions, users } = stores;
  const web = fastifySessions(sessions);
  const feed = await Feed.follow(sessions, clock);
  const context: Context = {
    config,
    sessions,
    web,
    users,
    owed: new Owed(stores),
    clock,
    feed,
    catchUps: new CatchUps(sessions),
    throttle: new Throttle(clock.now),
  };
  const app = Fastify({
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: mostRead },
    clientErrorHandler: unreadable(config),
    frameworkErrors: unrouted(context),
  });
  const connections = new Connections(app.server);
  app.addHook('preClose', async () => connections.refuse());
  // Of a request that was under way: its connection would wait for another one.
  app.addHook('onSend', async (_request, reply) => {
    if (connections.closing) reply.header('connection', 'close');
  });
  app.addHook('onRequest', securityHeaders(config));
  app.addHook('onRequest', tooLarge(config));
  for (const { path, handle } of operations) {
    app.get(path, (request, reply) => handle(context, request, reply.header('cache-control', 'no-store')));
  }
  await app.register(pages, { context });
  // An open stream would hold up the end of its request for as long as its session lives.
  app.addHook('preClose', async () => feed.close());
  const unwatch = watchLoop();
  const close = async (): Promise<void> => {
    const relent = clock.after(longestFarewell, () => connections.cut());
    await app.close();
    await connections.closed();
    relent();
    unwatch();
    await closeStores(stores);
  };
  let closing: Promise<void> | null = null;
  return {
    app,
    context,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** All that is for people, each request with its session. */
const pages: FastifyPluginAsync<{ context: Context }> = async (app, { context }) => {
  refusals(app, context);
  await app.register(formbody);
  await app.register(context.web.track);
  await app.register(assets);
  for (const route of routes) if (context.config.demo || !route.demo) add(app, context, route);
};

function add(app: FastifyInstance, context: Context, { method, path, for: who, eager, stream, handle }: Route): void {
  app.route({
    method,
    url: path,
    exposeHeadRoute: !stream,
    config: { sojourn: { ...(eager ? { eager } : {}), ...(stream ? { readOnly: true, passive: true } : {}) } },
    preHandler: [endOwedFirst(context), ...(who === 'signed-in' ? [context.web.requireSignIn()] : [])],
    handler: (request, reply) => handle(context, request, reply),
  });
}
