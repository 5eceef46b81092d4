import { answered } from '../lifecycle/deadline.ts';
import { SojournError } from '../lifecycle/errors.ts';
import type { Beat, Clock, Mark, Store } from '../lifecycle/ports.ts';
import { partitions } from '../lifecycle/token.ts';
import type { ProofCounts } from './counts.ts';

/** Whether it is proved, recently enough, that what is remembered of a partition has not changed. */
export interface Proof {
  holds(partition: number): boolean;
  /** For how long a proof holds, in milliseconds. */
  readonly bound: number;
  /** Milliseconds since the oldest proof of a partition; `null` before the first, and while nobody asks. */
  readonly ago: number | null;
  /** Those that were answered in time to prove something. */
  readonly beats: number;
  readonly failed: number;
  close(): void;
}

export function countsOf({ beats, failed, bound, ago }: Proof): ProofCounts {
  return { beats, beatsFailed: failed, bound, provedAgo: ago };
}

/** A turn that takes longer, or one that outlasts a poll for requests, is asked in again, in milliseconds. */
const longestTurn = 1;
/** Nobody has asked for so long, in milliseconds: no more beats until somebody does, and no age of a proof. */
const idleAfter = 30_000;

/**
 * An engine on this machine is asked in every turn of the event loop, so what is served is a millisecond old at most.
 * By the clock that only goes forward, and in parts of a millisecond: by whole ones it could be two. It stands while
 * the machine is suspended, and so do all who could write to the file.
 */
export class ProofByTurn implements Proof {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #apply: (beat: Beat) => void;
  readonly bound: number = longestTurn;
  #mark: Mark | null = null;
  #asked = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #provedAt: number | null = null;
  #holds = false;
  #closed = false;
  beats = 0;
  failed = 0;

  constructor(store: Store, clock: Clock, apply: (beat: Beat) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#apply = apply;
  }

  holds(): boolean {
    if (this.#closed) return false;
    const now = this.#clock.elapsed();
    if (!this.#asked || now - this.#askedAt >= longestTurn) this.#ask(now);
    return this.#holds;
  }

  get ago(): number | null {
    if (this.#provedAt === null) return null;
    const now = this.#clock.elapsed();
    return now - this.#askedAt > idleAfter ? null : now - this.#provedAt;
  }

  #ask(now: number): void {
    this.#asked = true;
    this.#askedAt = now;
    setImmediate(() => {
      this.#asked = false;
    });
    this.#holds = false;
    try {
      const beat = this.#store.beat(this.#mark);
      if (beat instanceof Promise) {
        // Too late to prove anything for this turn.
        beat.catch(() => this.#fail());
        return;
      }
      this.#mark = beat.mark;
      this.#apply(beat);
      this.#holds = true;
      this.#provedAt = now;
      this.beats += 1;
    } catch {
      this.#fail();
    }
  }

  /** The look-up that asked goes to the engine itself and meets what is wrong there. */
  #fail(): void {
    this.failed += 1;
  }

  close(): void {
    this.#closed = true;
  }
}

export interface ProofLimits {
  /** Milliseconds for which a change elsewhere may go unnoticed. */
  readonly bound: number;
  /** Milliseconds that a look-up waits for a beat. */
  readonly deadline: number;
}

/** So many beats within the bound, so that one may be late. */
const beatsWithin = 4;

/**
 * An engine over a network is asked by beats. What is remembered holds while a beat that was *sent* within
 * the bound has been answered and applied, by both clocks: the monotonic one stands while a virtual
 * machine is suspended, and the wall clock may be set back.
 */
export class ProofByBeats implements Proof {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly bound: number;
  readonly #deadline: number;
  readonly #apply: (beat: Beat) => void;
  readonly #elapsed = new Float64Array(partitions).fill(Number.NEGATIVE_INFINITY);
  readonly #wall = new Float64Array(partitions).fill(Number.NEGATIVE_INFINITY);
  #mark: Mark | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #beating = false;
  /** Resolves when the beat that is under way is answered or has failed, with why. */
  #underWay: Promise<unknown> | null = null;
  #cancel: (() => void) | null = null;
  #closed = false;
  beats = 0;
  failed = 0;

  constructor(store: Store, clock: Clock, { bound, deadline }: ProofLimits, apply: (beat: Beat) => void) {
    this.#store = store;
    this.#clock = clock;
    this.bound = bound;
    this.#deadline = deadline;
    this.#apply = apply;
  }

  holds(partition: number): boolean {
    if (this.#closed) return false;
    const elapsed = this.#clock.elapsed();
    this.#askedAt = elapsed;
    const wall = this.#clock.now() - (this.#wall[partition] ?? Number.NEGATIVE_INFINITY);
    const proved =
      elapsed - (this.#elapsed[partition] ?? Number.NEGATIVE_INFINITY) < this.bound && wall >= 0 && wall < this.bound;
    if (!this.#beating) this.#beat();
    return proved;
  }

  /** Resolves once it holds, of what is read meanwhile as well. Rejects with `store_unavailable` where no beat is answered. */
  prove(partition: number): Promise<void> {
    return answered(this.#proveSoon(partition), this.#clock, this.#deadline, (cause) => this.#unproved(cause));
  }

  async #proveSoon(partition: number): Promise<void> {
    await this.#underWay;
    if (this.holds(partition)) return;
    // That one was sent too long ago to prove anything, or has failed.
    if (this.#underWay === null) {
      this.#cancel?.();
      this.#beat();
    }
    const cause = await this.#underWay;
    if (!this.holds(partition)) throw cause;
  }

  #unproved(cause: unknown): SojournError {
    return new SojournError('store_unavailable', `${this.#store.name}: no beat was answered, so nothing is proved.`, {
      cause,
    });
  }

  get ago(): number | null {
    const oldest = Math.min(...this.#elapsed);
    return this.#beating && Number.isFinite(oldest) ? this.#clock.elapsed() - oldest : null;
  }

  /** One at a time, so that their answers are applied in the order in which they were asked. */
  #beat(): void {
    if (this.#closed) return;
    this.#beating = true;
    const [elapsed, wall] = [this.#clock.elapsed(), this.#clock.now()];
    // A store that throws at once does so in here, too.
    const answer = new Promise<Beat>((resolve) => resolve(this.#store.beat(this.#mark)));
    this.#underWay = answer
      .then(
        (beat) => this.#proved(beat, elapsed, wall),
        (cause: unknown) => {
          this.failed += 1;
          return cause;
        },
      )
      .finally(() => {
        this.#underWay = null;
        this.#schedule();
      });
  }

  #proved(beat: Beat, elapsed: number, wall: number): void {
    if (this.#closed) return;
    this.beats += 1;
    this.#mark = beat.mark;
    this.#apply(beat);
    for (let partition = 0; partition < partitions; partition++) {
      if (beat.unproved.includes(partition)) continue;
      this.#elapsed[partition] = elapsed;
      this.#wall[partition] = wall;
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancel = this.#clock.after(this.bound / beatsWithin, () => {
      this.#cancel = null;
      this.#beating = this.#clock.elapsed() - this.#askedAt < idleAfter;
      if (this.#beating) this.#beat();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }
}
