import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { createClient } from 'redis';
import { tell } from '../process.ts';

/*
 * Another client of an engine, that asks for the least there is again and again, and answers how long it
 * waited at most since it was last asked.
 */

export interface Waited {
  /** Milliseconds. */
  readonly longest: number;
}

async function asker(url: string): Promise<() => Promise<unknown>> {
  if (url.startsWith('redis:')) {
    const client = await createClient({ url }).connect();
    return () => client.ping();
  }
  if (url.startsWith('postgres:')) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    return () =>
      client.query({ name: 'read', text: 'SELECT record FROM sojourn.sessions WHERE id = $1', values: ['A'] });
  }
  const db = new DatabaseSync(url.replace('sqlite:', ''));
  const read = db.prepare('SELECT record FROM sessions WHERE id = ?');
  return async () => {
    read.get('A');
    // Or nothing else would ever run in this process.
    await new Promise((resolve) => setImmediate(resolve));
  };
}

const ask = await asker(process.argv[2] ?? '');
let longest = 0;
process.on('message', () => {
  tell({ longest } satisfies Waited);
  longest = 0;
});
tell({ ready: true });
for (;;) {
  const begun = performance.now();
  await ask();
  longest = Math.max(longest, performance.now() - begun);
}
