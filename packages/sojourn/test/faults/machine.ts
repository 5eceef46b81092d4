/** Milliseconds of the one monotonic clock that every process of this machine reads, whatever its wall clock says. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What the machine's wall clock says at such a time, in milliseconds since the epoch. */
export function wallAt(time: number): number {
  return Date.now() - machineTime() + time;
}
