import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { live, tokenOf } from './sessions.ts';

/* A fresh process opens the large file: how long until the first answer, and how much memory it then has. */

export interface Opened {
  readonly milliseconds: number;
  /** Megabytes of the whole process: before, once open, and after many look-ups. */
  readonly before: number;
  readonly opened: number;
  readonly used: number;
}

const lookups = 20_000;

function megabytes(): number {
  return process.memoryUsage.rss() / 1e6;
}

const token = tokenOf(live(0.5));
const before = megabytes();
const begun = performance.now();
const sessions = createSessions({ store: sqlite(process.argv[2] ?? ''), sweepEvery: 'never' });
const session = await sessions.track(token);
const milliseconds = performance.now() - begun;
if (session.state !== 'signed-in') throw new Error('The first session is not there.');
// The writing thread starts beside: it counts once it is there.
await sessions.purge('nobody');
const opened = megabytes();
for (let i = 0; i < lookups; i++) await sessions.track(tokenOf(live(Math.random())), { readOnly: true });
const used = megabytes();
tell({ milliseconds, before, opened, used } satisfies Opened);
