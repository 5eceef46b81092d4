import pg from 'pg';
import { createClient } from 'redis';
import type { Server } from '../engines/servers.ts';

/** Numbers of an engine's own by name. */
export type Counted = Readonly<Record<string, number>>;

/** What has been asked of an engine, by its own count. */
export interface Asks {
  read(): Promise<Counted>;
  /** Between two readings, without what reading asks. */
  since(before: Counted, now: Counted): { trips: number; told: string };
  close(): Promise<void>;
}

export function asksOf({ engine, url }: Server): Promise<Asks> {
  return engine === 'redis' ? ofRedis(url) : ofPostgres(url);
}

/** Called by the scripts of touches and beats, and never sent by a client here. */
const withinScripts = new Set(['time', 'hset', 'hget', 'lrange', 'getrange', 'setrange', 'spublish']);
const ofReading = new Set(['info']);

async function ofRedis(url: string): Promise<Asks> {
  const client = await createClient({ url }).connect();
  return {
    async read() {
      const lines = (await client.info('commandstats')).matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm);
      return Object.fromEntries([...lines].map(([, name = '', calls]) => [name, Number(calls)]));
    },
    since(before, now) {
      const calls = Object.entries(now)
        .map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
        .filter(([name, count]) => count > 0 && !ofReading.has(name));
      const sent = calls.filter(([name]) => !withinScripts.has(name)).reduce((sum, [, count]) => sum + count, 0);
      const told = calls.map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join(', ');
      return { trips: sent, told };
    },
    close: () => client.close(),
  };
}

async function ofPostgres(url: string): Promise<Asks> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let readings = 0;
  return {
    async read() {
      const { rows } = await client.query(
        `SELECT xact_commit::float8 AS commits, xact_rollback::float8 AS rollbacks,
           (SELECT n_tup_upd::float8 FROM pg_stat_user_tables
             WHERE schemaname = 'sojourn' AND relname = 'sessions') AS touched
         FROM pg_stat_database WHERE datname = current_database()`,
      );
      readings += 1;
      return { ...rows[0], readings };
    },
    since(before, now) {
      const more = (name: string): number => (now[name] ?? 0) - (before[name] ?? 0);
      const all = more('commits') + more('rollbacks') - more('readings');
      const told = `transactions ${all.toLocaleString('en')}, sessions touched ${more('touched').toLocaleString('en')}`;
      return { trips: all, told };
    },
    close: () => client.end(),
  };
}
