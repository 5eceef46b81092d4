import { existsSync, readdirSync, readFileSync } from 'node:fs';

const threads = '/proc/self/task';
const exact = existsSync(`${threads}/${process.pid}/schedstat`);
const pause = new Int32Array(new SharedArrayBuffer(4));

/** How well `processorTime` counts here. */
export const counted: string = exact
  ? 'Processor times are the scheduler’s own, of all threads: what else runs on the machine does not count.'
  : 'Processor times are in ticks of the kernel here, so the short turns of `overhead` are coarse.';

/**
 * Nanoseconds that this process has used, collector and compiler included, so that being interrupted
 * costs nothing. By the scheduler's own count, which is brought up to date when a thread stops running.
 */
export function processorTime(): number {
  if (!exact) {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  }
  Atomics.wait(pause, 0, 0, 1);
  return readdirSync(threads)
    .map((thread) => Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, time) => sum + time, 0);
}
