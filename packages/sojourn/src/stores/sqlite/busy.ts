const nobody = new Int32Array(new SharedArrayBuffer(4));

/** SQLITE_BUSY, in the lowest byte of what may be one of its extended codes. */
const busy = 5;

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === busy;
}

/** Holds this thread up. */
export function sleep(time: number): void {
  Atomics.wait(nobody, 0, 0, time);
}

/** Tries again while another process has the file, for so many milliseconds. */
export function patiently<T>(longest: number, run: () => T): T {
  const begun = performance.now();
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() - begun >= longest) throw error;
    }
    sleep(5);
  }
}
