import type { Clock, Store } from './ports.ts';

/** Flushed this long after the first touch of a batch. */
const flushAfter = 500;
/** Sessions waiting in one batch; more are dropped and counted: they end up to a touch interval early. */
const most = 50_000;

/** Merges "this session was seen" into batches, so that a request costs no write of its own. */
export class Touches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #waiting = new Map<string, number>();
  #cancel: (() => void) | null = null;
  /** Resolves when all batches have been answered or given up. */
  #underWay: Promise<unknown> | null = null;
  /** Touches that were not written, since the start. */
  dropped = 0;

  constructor(store: Store, clock: Clock, failed: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#failed = failed;
  }

  add(id: string, seenAt: number): void {
    if (this.#waiting.size >= most && !this.#waiting.has(id)) {
      this.dropped += 1;
      return;
    }
    this.#waiting.set(id, seenAt);
    this.#cancel ??= this.#clock.after(flushAfter, () => {
      this.flush().catch(this.#failed);
    });
  }

  /**
   * Writes what waits, and answers when nothing is on its way any more: who ends a session by the clock must not
   * overtake its touch. What cannot be written is dropped and counted, and the error passed on.
   */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    const before = this.#underWay;
    const writing = this.#waiting.size === 0 ? null : this.#write();
    if (writing !== null) {
      // Its failure is told below, to whoever began it.
      const settled = writing.catch(() => {});
      this.#underWay = Promise.all([before, settled]);
    }
    await before;
    await writing;
  }

  async #write(): Promise<void> {
    const batch = [...this.#waiting].map(([id, seenAt]) => ({ id, seenAt }));
    this.#waiting = new Map();
    try {
      await this.#store.touch(batch);
    } catch (error) {
      this.dropped += batch.length;
      throw error;
    }
  }
}
