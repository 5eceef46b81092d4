import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as after } from 'node:timers/promises';
import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { live, tokenOf } from './sessions.ts';

/*
 * Writes at a steady rate, as requests that change their session, while the delay of the event loop is
 * watched. The delay contains the millisecond of the timer that measures it.
 */

export interface Written {
  /** Milliseconds. */
  readonly delay: { readonly p50: number; readonly p99: number; readonly most: number };
  readonly write: { readonly least: number; readonly p50: number; readonly p99: number; readonly most: number };
  /** Durable a second. */
  readonly rate: number;
  readonly failed: number;
}

const [, , path = '', perSecond, seconds] = process.argv;
const rate = Number(perSecond);
const duration = Number(seconds) * 1000;
const settling = 500;

const sessions = createSessions<{ seen: number }>({ store: sqlite(path), sweepEvery: 'never', log: () => {} });
const latencies: number[] = [];
let failed = 0;

async function write(): Promise<void> {
  const begun = performance.now();
  try {
    const session = await sessions.track(tokenOf(live(Math.random())), { readOnly: true });
    await session.update((draft) => {
      draft.seen = (draft.seen ?? 0) + 1;
    });
    latencies.push(performance.now() - begun);
  } catch {
    failed += 1;
  }
}

/** Starts the writes that are due by now, so that a late timer does not lower the rate. */
async function steadily(time: number): Promise<Promise<void>[]> {
  const writes: Promise<void>[] = [];
  const begun = performance.now();
  for (let elapsed = 0; elapsed < time; elapsed = performance.now() - begun) {
    while (writes.length < (elapsed / 1000) * rate) writes.push(write());
    await after(1);
  }
  return writes;
}

await Promise.all(await steadily(settling));
latencies.length = 0;
failed = 0;
tell({ ready: true });
await new Promise((resolve) => process.once('message', resolve));

const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
const begun = performance.now();
const writes = await steadily(duration);
histogram.disable();
await Promise.all(writes);
const elapsed = performance.now() - begun;
latencies.sort((a, b) => a - b);
const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
const found: Written = {
  delay: {
    p50: histogram.percentile(50) / 1e6,
    p99: histogram.percentile(99) / 1e6,
    most: histogram.max / 1e6,
  },
  write: { least: at(0), p50: at(0.5), p99: at(0.99), most: at(1) },
  rate: (latencies.length / elapsed) * 1000,
  failed,
};
tell(found);
