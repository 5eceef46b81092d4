import pg from 'pg';
import { createClient } from 'redis';
import type { Store } from 'sojourn';
import { postgres } from 'sojourn/postgres';
import { redis } from 'sojourn/redis';
import { sqlite } from 'sojourn/sqlite';

export interface Opened {
  readonly store: Store;
  /** Of the client; the store is closed before, by who uses it. */
  close(): Promise<void>;
}

/** Connections of one process: as many as `pg` makes by itself. */
export const poolSize = 10;

/** Of the pool, as docs/stores.md has them. */
const limits = { connectionTimeoutMillis: 2000, query_timeout: 5000, keepAlive: true } as const;

/** The store of a URL, through the clients that the server uses: node-redis and `pg`. */
export async function openStore(url: string): Promise<Opened> {
  if (url.startsWith('redis:')) {
    const client = await createClient({ url }).connect();
    return { store: await redis(client), close: () => client.close() };
  }
  if (url.startsWith('postgres:')) {
    const pool = new pg.Pool({ connectionString: url, max: poolSize, ...limits });
    // A connection may still be on its way out when the server stops.
    pool.on('error', () => {});
    return { store: await postgres(pool), close: () => pool.end() };
  }
  return { store: sqlite(url.replace('sqlite:', '')), close: async () => {} };
}
