import { DatabaseSync } from 'node:sqlite';
import { createSessions, type Sessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { origin } from './people.ts';
import { signInWithoutRequest } from './sign-in.ts';

const file = `${process.env['BENCH_FOLDER']}/sojourn-${process.pid}.db`;

/** The library as an application has it in production: one SQLite file, one origin, nothing else set. */
export const sessions: Sessions<Record<string, unknown>, string> = createSessions({
  store: sqlite(file),
  origin,
});

export async function signIn(subject: string, permissions: readonly string[]): Promise<string> {
  return `__Host-sojourn=${await signInWithoutRequest(sessions, subject, permissions)}`;
}

export function recordBytes(): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare('SELECT avg(length(record) + length(data)) AS bytes FROM sessions').get();
  db.close();
  return Number(row?.['bytes']);
}
