import { type Duration, milliseconds } from '../lifecycle/duration.ts';
import type { Clock } from '../lifecycle/ports.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to advance, and runs what was waiting on the way. */
export class TestClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
    this.now = this.now.bind(this);
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(delay: number, run: () => void): () => void {
    const timer = { at: this.#now + delay, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on; each timer that falls due runs at its own moment, in order. */
  advance(duration: Duration): void {
    const until = this.#now + milliseconds(duration, 'clock.advance');
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
