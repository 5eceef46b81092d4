import type { SessionRecord } from 'sojourn';
import { fillPostgres } from './fill-postgres.ts';
import { fillRedis } from './fill-redis.ts';
import { fillSqlite } from './fill-sqlite.ts';
import { recordOf } from './filled.ts';
import type { Server } from './servers.ts';
import { openStore } from './store.ts';

/** The records of these numbers, a batch at a time. */
export type Batches = Iterable<readonly SessionRecord[]>;

export const fillNote =
  'Large stores are filled past the library: the same rows and keys as a sign-in and one update leave, many in one statement or script, without waiting for the disk. What so many real ones take is measured beside.';

const fills = { sqlite: fillSqlite, redis: fillRedis, postgres: fillPostgres } as const;
const inBatch = 1000;

/** Sessions of the numbers `from` up to `to`, as if they had just signed in. */
export async function fill({ engine, url }: Server, from: number, to: number): Promise<void> {
  // Makes what the library keeps beside the sessions.
  const { store, close } = await openStore(url);
  await store.close();
  await close();
  await fills[engine](url, batches(from, to));
}

function* batches(from: number, to: number): Batches {
  const now = Date.now();
  for (let first = from; first < to; first += inBatch) {
    const count = Math.min(inBatch, to - first);
    yield Array.from({ length: count }, (_, index) => recordOf(first + index, now));
  }
}
