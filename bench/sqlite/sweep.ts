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
  /** Most milliseconds of its own processor time that the thread used between two of its timers. */
  readonly busiest: number;
}

const [, , path = '', wanted] = process.argv;
const sessions = createSessions({ store: sqlite(path), sweepEvery: 'never' });
// The first lap compiles what the others run.
await sessions.sweep({ most: 1 });
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
let busiest = 0;
let used = process.threadCpuUsage();
const watch = setInterval(() => {
  const { user, system } = process.threadCpuUsage(used);
  used = process.threadCpuUsage();
  busiest = Math.max(busiest, (user + system) / 1000);
}, 1);
const begun = performance.now();
let expired = 0;
while (expired < Number(wanted)) {
  const lap = await sessions.sweep();
  expired += lap.expired;
  if (!lap.more) break;
}
histogram.disable();
clearInterval(watch);
const found: SweptRound = {
  expired,
  seconds: (performance.now() - begun) / 1000,
  p99: histogram.percentile(99) / 1e6,
  most: histogram.max / 1e6,
  busiest,
};
await sessions.close();
tell(found);
