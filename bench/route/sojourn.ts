import { DatabaseSync } from 'node:sqlite';
import { createSessions, type Sessions } from 'sojourn';
import { openStore } from '../engines/store.ts';
import { origin } from './people.ts';
import { signInWithoutRequest } from './sign-in.ts';

const file = `${process.env['BENCH_FOLDER']}/sojourn-${process.pid}.db`;
const url = process.env['BENCH_STORE'];

const { store } = await openStore(url ?? `sqlite:${file}`);

/** The library as an application has it in production; on SQLite unless BENCH_STORE says where, with the near cache if BENCH_CACHE is `on`. */
export const sessions: Sessions<Record<string, unknown>, string> = createSessions({
  store,
  origin,
  ...(process.env['BENCH_CACHE'] === 'on' ? {} : { cache: false }),
});

export async function signIn(subject: string, permissions: readonly string[]): Promise<string> {
  return `__Host-sojourn=${await signInWithoutRequest(sessions, subject, permissions)}`;
}

/** Of the embedded engine. */
export function recordBytes(): number {
  if (url !== undefined) return Number.NaN;
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare('SELECT avg(length(record) + length(data)) AS bytes FROM sessions').get();
  db.close();
  return Number(row?.['bytes']);
}

export function beats(): number {
  return sessions.counts.proof?.beats ?? 0;
}
