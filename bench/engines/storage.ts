import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { createClient } from 'redis';
import type { Server } from './servers.ts';

/**
 * Bytes that an engine uses for everything of the library's: memory in Redis, the tables with their indexes,
 * the file. `packed`: without the room that removed rows have left.
 */
export async function storage({ engine, url }: Server, packed = false): Promise<number> {
  if (engine === 'redis') return ofRedis(url);
  return engine === 'postgres' ? ofPostgres(url, packed) : ofSqlite(url.replace('sqlite:', ''), packed);
}

async function ofRedis(url: string): Promise<number> {
  const client = await createClient({ url }).connect();
  const [, used] = /^used_memory:(\d+)/m.exec(await client.info('memory')) ?? [];
  await client.close();
  return Number(used);
}

async function ofPostgres(url: string, packed: boolean): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(packed ? 'VACUUM FULL' : 'VACUUM ANALYZE');
  const { rows } = await client.query(
    `SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class
     WHERE relnamespace = 'sojourn'::regnamespace AND relkind IN ('r', 'm')`,
  );
  await client.end();
  return Number(rows[0]?.['bytes']);
}

function ofSqlite(path: string, packed: boolean): number {
  const db = new DatabaseSync(path, { timeout: 10_000 });
  if (packed) db.exec('VACUUM');
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const bytes = pragma('page_count') * pragma('page_size');
  db.close();
  return bytes;
}
