import { PGlite } from '@electric-sql/pglite';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';
import type { NodeRedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/** Two processes on one engine; what the first one commits can be held up on its way. */
export interface Commits {
  open(now?: () => number): Promise<{ readonly store: Store; readonly other: Store }>;
  /** What the next commit waits for. */
  hold(until: () => Promise<unknown>): void;
  /** The engine's own time. */
  time(): Promise<number>;
  stop(): Promise<void>;
}

export class Holding {
  #next: (() => Promise<unknown>) | null = null;

  hold(until: () => Promise<unknown>): void {
    this.#next = until;
  }

  async before(commits: boolean): Promise<void> {
    const next = this.#next;
    if (!commits || next === null) return;
    this.#next = null;
    await next();
  }
}

async function onRedis(): Promise<Commits> {
  const server = await redisServer();
  const client = createClient({ url: server.url });
  await client.connect();
  const holding = new Holding();
  const held: NodeRedisClient = {
    async sendCommand(args) {
      await holding.before(args.at(-1)?.includes('"guards"') ?? false);
      return client.sendCommand(args);
    },
  };
  let prefixes = 0;
  return {
    async open(now) {
      prefixes += 1;
      const options = { prefix: `commits-${process.pid}-${prefixes}`, ...(now ? { now } : {}) };
      return { store: await redis(held, options), other: await redis(client, options) };
    },
    hold: (until) => holding.hold(until),
    async time() {
      const [seconds, microseconds] = await client.time();
      return Number(seconds) * 1000 + Number(microseconds) / 1000;
    },
    async stop() {
      await client.close();
      await server.stop();
    },
  };
}

async function onPglite(): Promise<Commits> {
  const db = new PGlite();
  const client: PostgresClient = { query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) };
  const holding = new Holding();
  const held: PostgresClient = {
    async query(statement) {
      await holding.before(statement.text.includes('.commit('));
      return client.query(statement);
    },
  };
  let schemas = 0;
  return {
    async open(now) {
      schemas += 1;
      const options = { schema: `commits_${schemas}`, ...(now ? { now } : {}) };
      return { store: await postgres(held, options), other: await postgres(client, options) };
    },
    hold: (until) => holding.hold(until),
    async time() {
      const { rows } = await db.query<{ now: number }>(
        'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
      );
      return rows[0]?.now ?? 0;
    },
    stop: () => db.close(),
  };
}

/** Engines that decide in this process and commit over a connection. */
export const stagedEngines: Readonly<Record<string, { skip: string | false; start: () => Promise<Commits> }>> = {
  redis: { skip: skipWithout('redis-server'), start: onRedis },
  pglite: { skip: false, start: onPglite },
};
