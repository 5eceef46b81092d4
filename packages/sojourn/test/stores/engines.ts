import pg from 'pg';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/** An engine with a server of its own, which is started when the first store is asked for. */
export interface NetworkedEngine {
  readonly skip: string | false;
  /** An empty store on it. */
  open(now: () => number): Store;
  /** Ends the connections and the server, if there are any. */
  stop(): Promise<void>;
}

interface Served {
  open(now: () => number, space: string): Promise<Store>;
  stop(): Promise<void>;
}

function networked(skip: string | false, serve: () => Promise<Served>): NetworkedEngine {
  let served: Promise<Served> | null = null;
  let spaces = 0;
  return {
    skip,
    open(now) {
      served ??= serve();
      spaces += 1;
      const space = `lab_${process.pid}_${spaces}`;
      return later(
        served.then(({ open }) => open(now, space)),
        now,
      );
    },
    async stop() {
      await (await served)?.stop();
    },
  };
}

/** A store that is still being opened: its calls wait for it. */
function later(opening: Promise<Store>, now: () => number): Store {
  // Whoever calls is told.
  opening.catch(() => {});
  const watch: Store['watch'] = (changed) => {
    const stop = opening.then((store) => store.watch(changed));
    return () => void stop.then((end) => end());
  };
  const listen: Store['listen'] = (changed) => {
    const stop = opening.then((store) => store.listen(changed));
    return () => void stop.then((end) => end());
  };
  const atOnce: Partial<Store> = { name: 'later', distance: 'network', warnings: [], now, watch, listen };
  return new Proxy(atOnce as Store, {
    get(target, name) {
      if (name in atOnce) return Reflect.get(target, name);
      return async (...given: unknown[]) => {
        const store = await opening;
        const method: unknown = Reflect.get(store, name);
        return typeof method === 'function' ? Reflect.apply(method, store, given) : method;
      };
    },
  });
}

export const networkedEngines: Readonly<Record<string, NetworkedEngine>> = {
  redis: networked(skipWithout('redis-server'), async () => {
    const server = await redisServer();
    const client = createClient({ url: server.url });
    await client.connect();
    return {
      open: (now, prefix) => redis(client, { prefix, now, watchEvery: 20 }),
      async stop() {
        await client.close();
        await server.stop();
      },
    };
  }),
  postgres: networked(skipWithout('initdb', 'postgres'), async () => {
    const server = await postgresServer();
    const pool = new pg.Pool({ connectionString: server.url, max: 8 });
    // A connection that goes with its server is told by the calls that use it.
    pool.on('error', () => {});
    return {
      open: (now, schema) => postgres(pool, { schema, now, watchEvery: 20 }),
      async stop() {
        await pool.end();
        await server.stop();
      },
    };
  }),
};
