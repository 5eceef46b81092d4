import type { Clock } from '../lifecycle/ports.ts';

interface Reading<T> {
  readonly answer: Promise<T>;
  /** Begins when this one is done, for all who came meanwhile. */
  next: Promise<T> | null;
}

/** A read that takes longer does not keep those who came after it waiting. */
const longestWait = 50;

/**
 * Reads of one id share one read, but only one that began after they asked: an answer that was already
 * on its way may be older than what its asker has been told. So at most one is under way and one waits.
 */
export class SharedReads<T> {
  readonly #clock: Clock;
  readonly #read: (id: string) => Promise<T>;
  readonly #running = new Map<string, Reading<T>>();

  constructor(clock: Clock, read: (id: string) => Promise<T>) {
    this.#clock = clock;
    this.#read = read;
  }

  read(id: string): Promise<T> {
    const running = this.#running.get(id);
    if (running === undefined) return this.#begin(id);
    running.next ??= this.#settled(running.answer).then(() => this.#begin(id));
    return running.next;
  }

  #begin(id: string): Promise<T> {
    const reading: Reading<T> = { answer: this.#read(id), next: null };
    this.#running.set(id, reading);
    const done = (): void => {
      if (this.#running.get(id) === reading) this.#running.delete(id);
    };
    reading.answer.then(done, done);
    return reading.answer;
  }

  #settled(answer: Promise<T>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(longestWait, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      answer.then(done, done);
    });
  }
}
