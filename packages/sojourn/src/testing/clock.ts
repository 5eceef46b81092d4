import { type Duration, milliseconds } from '../lifecycle/duration.ts';
import type { Clock } from '../lifecycle/ports.ts';

interface Timer {
  readonly at: number;
  /** Begun by another one, on the way of this advance. */
  readonly during: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to advance, and runs what was waiting on the way. */
export class TestClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();
  /** Which advance is under way; 0 between them. */
  #advance = 0;
  #advances = 0;

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
    const timer = { at: this.#now + delay, during: this.#advance, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Moves time on; each timer that falls due runs at its own moment, in order. What such a timer sets going has not
   * been answered by then, so the timers that it begins itself, a deadline for that answer say, wait for the next advance.
   */
  advance(duration: Duration): void {
    const until = this.#now + milliseconds(duration, 'clock.advance');
    this.#advances += 1;
    this.#advance = this.#advances;
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
    this.#advance = 0;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.during === this.#advance) continue;
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
