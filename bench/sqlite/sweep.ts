import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';

/* Sweeps expired sessions of the large file, lap by lap as the library does by itself. */

export interface SweptRound {
  readonly expired: number;
  readonly seconds: number;
  /** Milliseconds that the event loop was held, the millisecond of the timer included. */
  readonly p99: number;
  readonly most: number;
}

const [, , path = '', wanted] = process.argv;
const sessions = createSessions({ store: sqlite(path), sweepEvery: 'never' });
// The first lap compiles what the others run.
await sessions.sweep({ most: 1 });
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
const begun = performance.now();
let expired = 0;
while (expired < Number(wanted)) {
  const lap = await sessions.sweep();
  expired += lap.expired;
  if (!lap.more) break;
}
histogram.disable();
const found: SweptRound = {
  expired,
  seconds: (performance.now() - begun) / 1000,
  p99: histogram.percentile(99) / 1e6,
  most: histogram.max / 1e6,
};
await sessions.close();
tell(found);
