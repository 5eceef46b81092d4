import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { permissions } from '../route/people.ts';
import { signInWithoutRequest } from '../route/sign-in.ts';

/* Durable sign-ins into the large file, one after another and 64 at once. */

export interface SignIns {
  /** A second, by round. */
  readonly oneByOne: number[];
  readonly atOnce: number[];
}

export const together = 64;
const alone = 128;
const batches = 8;
const rounds = Number(process.argv[3]);
const sessions = createSessions({ store: sqlite(process.argv[2] ?? ''), sweepEvery: 'never' });
let people = 0;

function signIn(): Promise<string> {
  people += 1;
  return signInWithoutRequest(sessions, `person-${process.pid}-${people}`, permissions);
}

async function rate(count: number, run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return (count / (performance.now() - begun)) * 1000;
}

const found: SignIns = { oneByOne: [], atOnce: [] };
for (let round = -1; round < rounds; round++) {
  const oneByOne = await rate(alone, async () => {
    for (let i = 0; i < alone; i++) await signIn();
  });
  const atOnce = await rate(together * batches, async () => {
    for (let batch = 0; batch < batches; batch++) await Promise.all(Array.from({ length: together }, signIn));
  });
  if (round < 0) continue;
  found.oneByOne.push(oneByOne);
  found.atOnce.push(atOnce);
}
await sessions.close();
tell(found);
