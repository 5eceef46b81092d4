import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import formbody from '@fastify/formbody';
import Fastify, { type FastifyInstance } from 'fastify';
import { type Clock, createSessions, type PolicyOptions } from 'sojourn';
import { fastifySessions } from 'sojourn/fastify';
import { sqlite } from 'sojourn/sqlite';
import { systemClock } from './clock.ts';
import { type Config, ConfigError } from './config.ts';
import type { Context, ServerData } from './context.ts';
import { Feed } from './events/feed.ts';
import { securityHeaders } from './headers.ts';
import { assets } from './pages/assets.ts';
import { refusals } from './pages/refusal.ts';
import { type Route, routes } from './routes.ts';
import { Throttle } from './users/throttle.ts';
import { Users } from './users/users.ts';

export interface Server {
  readonly app: FastifyInstance;
  readonly context: Context;
  /** Finishes requests under way, ends open streams, writes what waits, closes the stores. */
  close(): Promise<void>;
}

/** What tests put in the place of the machine's. */
export interface Machine {
  readonly clock?: Clock;
}

/** A session short enough to watch it run out. */
const brief = { idle: '20s', absolute: '60s', touchInterval: '1s' } as const;

/** The whole server, not yet listening. Throws `ConfigError` when its folder or its stores cannot be used. */
export async function createServer(config: Config, machine: Machine = {}): Promise<Server> {
  const { clock = systemClock } = machine;
  const stores = openStores(config, machine);
  const { sessions, users, web } = stores;
  const feed = await Feed.follow(sessions, clock);
  const context: Context = { ...stores, config, clock, feed, throttle: new Throttle(clock.now) };
  const app = Fastify({
    trustProxy: (_address, hop) => hop < config.trustProxy,
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
  });
  app.addHook('onRequest', securityHeaders(config));
  refusals(app, context);
  await app.register(formbody);
  await app.register(web.track);
  await app.register(assets);
  for (const route of routes) if (config.demo || !route.demo) add(app, context, route);
  // An open stream would hold up the end of its request for as long as its session lives.
  app.addHook('preClose', async () => feed.close());
  return {
    app,
    context,
    async close() {
      await app.close();
      await sessions.close();
      users.close();
    },
  };
}

function add(app: FastifyInstance, context: Context, { method, path, for: who, eager, stream, handle }: Route): void {
  app.route({
    method,
    url: path,
    exposeHeadRoute: !stream,
    config: { sojourn: { ...(eager ? { eager } : {}), ...(stream ? { readOnly: true } : {}) } },
    ...(who === 'signed-in' ? { preHandler: context.web.requireSignIn() } : {}),
    handler: (request, reply) => handle(context, request, reply),
  });
}

function openStores(config: Config, { clock }: Machine): Pick<Context, 'sessions' | 'web' | 'users'> {
  try {
    mkdirSync(config.data, { recursive: true, mode: 0o700 });
    const users = Users.open(join(config.data, 'users.db'));
    const policy: PolicyOptions = { extends: config.policy, kinds: { brief } };
    const sessions = createSessions<ServerData, string>({
      store: sqlite(config.store.slice('sqlite:'.length), clock ? { now: clock.now } : {}),
      ...(clock ? { clock } : {}),
      policy: config.demo ? policy : config.policy,
      ...(config.origin === null ? {} : { origin: config.origin, trustProxy: config.trustProxy }),
    });
    return { sessions, users, web: fastifySessions(sessions) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot keep its data in ${config.data}: ${why}`, { cause: error });
  }
}
