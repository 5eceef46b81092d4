import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import formbody from '@fastify/formbody';
import Fastify, { type FastifyInstance } from 'fastify';
import { createSessions, SojournError } from 'sojourn';
import { fastifySessions } from 'sojourn/fastify';
import { sqlite } from 'sojourn/sqlite';
import { type Config, ConfigError } from './config.ts';
import type { Context, ServerData } from './context.ts';
import { securityHeaders } from './headers.ts';
import { assets } from './pages/assets.ts';
import { routes } from './routes.ts';
import { Throttle } from './users/throttle.ts';
import { Users } from './users/users.ts';

export interface Server {
  readonly app: FastifyInstance;
  readonly context: Context;
  /** Finishes requests under way, writes what waits, closes the stores. */
  close(): Promise<void>;
}

/** The whole server, not yet listening. Throws `ConfigError` when its folder or its stores cannot be used. */
export async function createServer(config: Config): Promise<Server> {
  const context = openContext(config);
  const { sessions, users, web } = context;
  const app = Fastify({
    trustProxy: (_address, hop) => hop < config.trustProxy,
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
  });
  app.addHook('onRequest', securityHeaders(config));
  await app.register(formbody);
  await app.register(web.track);
  await app.register(assets);
  for (const { method, path, for: who, eager, handle } of routes) {
    app.route({
      method,
      url: path,
      config: { sojourn: eager ? { eager } : {} },
      ...(who === 'signed-in' ? { preHandler: web.requireSignIn() } : {}),
      handler: (request, reply) => handle(context, request, reply),
    });
  }
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof SojournError) return web.answer(error, request, reply);
    return reply.send(error);
  });
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

function openContext(config: Config): Context {
  try {
    mkdirSync(config.data, { recursive: true, mode: 0o700 });
    const users = Users.open(join(config.data, 'users.db'));
    const sessions = createSessions<ServerData, string>({
      store: sqlite(config.store.slice('sqlite:'.length)),
      policy: config.policy,
      ...(config.origin === null ? {} : { origin: config.origin, trustProxy: config.trustProxy }),
    });
    return { config, sessions, users, throttle: new Throttle(), web: fastifySessions(sessions) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The server cannot keep its data in ${config.data}: ${why}`, { cause: error });
  }
}
