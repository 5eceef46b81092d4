import { tell } from '../process.ts';
import { processorTime } from '../processor-time.ts';
import type { Candidate } from './candidate.ts';
import { permission, permissions, sessions, user } from './people.ts';

/*
 * The process of one candidate: listens, signs everybody in, then answers requests for its own
 * consumption of the processor.
 */

/** What a server says when it is ready. */
export interface Ready {
  readonly port: number;
  readonly cookies: readonly string[];
  /** Somebody who is signed in without the permission; `null` where the route asks for nobody. */
  readonly cookieWithout: string | null;
  readonly recordBytes: number | null;
}

export interface Consumed {
  /** Microseconds of processor time, of all threads, since the start. */
  readonly processor: number;
  readonly beats: number;
}

const name = process.argv[2] ?? '';
const { open }: { open(): Promise<Candidate> } = await import(`./${name}.ts`);
const candidate = await open();
const port = await candidate.listen();
const cookies: string[] = [];
let cookieWithout: string | null = null;
if (candidate.signIn) {
  for (let i = 0; i < sessions; i++) cookies.push(await candidate.signIn(user(i), permissions));
  cookieWithout = await candidate.signIn(
    'nobody-special',
    permissions.filter((one) => one !== permission),
  );
}

process.on('message', () => {
  tell({ processor: processorTime() / 1000, beats: candidate.beats?.() ?? 0 } satisfies Consumed);
});
const ready: Ready = { port, cookies, cookieWithout, recordBytes: candidate.recordBytes?.() ?? null };
tell(ready);
