import pg from 'pg';
import { createClient } from 'redis';
import { createSessions, type Sessions, type Store } from 'sojourn';
import { postgres } from 'sojourn/postgres';
import { redis } from 'sojourn/redis';
import { sqlite } from 'sojourn/sqlite';

/** The one line that differs, with the connection that it needs. */
async function engineAt(url: string): Promise<{ store: Store; disconnect(): Promise<void> }> {
  if (/^postgres(ql)?:/.test(url)) {
    const pool = new pg.Pool({ connectionString: url }).on('error', lost);
    return { store: await postgres(pool), disconnect: () => pool.end() };
  }
  if (/^rediss?:/.test(url)) {
    const client = await createClient({ url }).on('error', lost).connect();
    return { store: await redis(client), disconnect: () => client.close() };
  }
  return { store: sqlite(url), disconnect: async () => {} };
}

/** Without a listener, Node ends the process when the engine restarts. */
function lost(error: Error): void {
  console.warn('the engine of sessions:', error.message);
}

type Shop = Sessions<{ cart: string[] }, 'orders:read'>;

export async function sessionsOn(url: string): Promise<{ sessions: Shop; close(): Promise<void> }> {
  const { store, disconnect } = await engineAt(url);
  const sessions: Shop = createSessions({ store });
  return { sessions, close: () => sessions.close().then(disconnect) };
}
