import pg from 'pg';
import { createClient } from 'redis';
import { createSessions, type Store } from 'sojourn';
import { postgres } from 'sojourn/postgres';
import { redis } from 'sojourn/redis';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { permissions } from '../route/people.ts';
import { signInWithoutRequest } from '../route/sign-in.ts';

/*
 * What sessions leave behind: signs so many in and ends them, then turns the engine's clock a day on and
 * sweeps, so that of each its tombstone has gone and its events are left. Goes on at each message.
 */

const [, , url = '', count] = process.argv;
const aDayOn = 25 * 3_600_000;
/** About one a half day: who comes back shares what is kept of a subject. */
const perSubject = 50;
const inBatch = 32;
let ahead = 0;
const now = (): number => Date.now() + ahead;

async function open(): Promise<Store> {
  if (url.startsWith('redis:')) return redis(await createClient({ url }).connect(), { now });
  if (url.startsWith('postgres:')) return postgres(new pg.Pool({ connectionString: url }), { now });
  return sqlite(url.replace('sqlite:', ''), { now });
}

const sessions = createSessions({ store: await open(), sweepEvery: 'never', cache: false, log: () => {} });
const all = Array.from({ length: Number(count) }, (_, i) => i);

async function step(run: (some: readonly number[]) => Promise<unknown>): Promise<void> {
  const asked = new Promise((resolve) => process.once('message', resolve));
  tell({ ready: true });
  await asked;
  for (let i = 0; i < all.length; i += inBatch) await run(all.slice(i, i + inBatch));
}

const ids: string[] = [];
await step((some) =>
  Promise.all(
    some.map(async (one) => {
      const subject = `past-${String(one % Math.ceil(all.length / perSubject)).padStart(8, '0')}`;
      const token = await signInWithoutRequest(sessions, subject, permissions);
      ids.push(token.split('.')[0] ?? '');
    }),
  ),
);
await step((some) => Promise.all(some.map((one) => sessions.terminate(ids[one] ?? ''))));
ahead = aDayOn;
await step(() => sessions.sweep({ most: inBatch * 2 }));
process.once('message', () => {});
tell({ ready: true });
