import pg from 'pg';
import { createClient } from 'redis';
import { createSessions, type Sessions, type Store } from 'sojourn';
import { postgres } from 'sojourn/postgres';
import { redis } from 'sojourn/redis';
import { sqlite } from 'sojourn/sqlite';

/** The one line that differs. */
async function storeFor(url: string): Promise<Store> {
  if (url.startsWith('postgres:')) return postgres(new pg.Pool({ connectionString: url }));
  if (url.startsWith('redis:')) return redis(await createClient({ url }).connect());
  return sqlite(url);
}

export async function sessionsOn(url: string): Promise<Sessions<{ cart: string[] }, 'orders:read'>> {
  return createSessions({ store: await storeFor(url) });
}
