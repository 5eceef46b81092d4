import type { Clock, Notice, Store } from './ports.ts';

const flushAfter = 200;
/**
 * Each notice keeps the next write waiting by so much, a minute at most: whoever sends old tokens by the thousand
 * must not make the engine write all the while.
 */
const quietEach = 1000;
/** At most one event of a kind a session in this time; the rest are counted into the next. */
const interval = 60_000;
/** Sessions and codes remembered at once; more are dropped and counted. */
const most = 10_000;

interface Entry {
  readonly notice: Omit<Notice, 'count'>;
  count: number;
  /** Not written before this time. */
  from: number;
}

/** Records refused tokens and misuse as events: counted, merged, and never more than a few writes a minute. */
export class Notices {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();
  #cancel: (() => void) | null = null;
  /** When the timer runs. */
  #due = 0;
  #quietUntil = 0;
  /** How often a successor was offered without having been seen. */
  readonly #offers = new Map<string, number>();
  /** Notices that were not recorded, since the start. */
  dropped = 0;

  constructor(store: Store, clock: Clock, failed: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#failed = failed;
  }

  add(id: string, code: Notice['code']): void {
    const key = `${code} ${id}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= most) {
        this.dropped += 1;
        return;
      }
      entry = { notice: { id, code }, count: 0, from: this.#clock.now() };
      this.#entries.set(key, entry);
    }
    entry.count += 1;
    this.#scheduleFor(entry.from);
  }

  /** Counts one more offer of a session's successor; answers the count since it was last seen. */
  offered(id: string): number {
    const count = (this.#offers.get(id) ?? 0) + 1;
    if (count === 1 && this.#offers.size >= most) this.#offers.clear();
    this.#offers.set(id, count);
    return count;
  }

  /** The successor came back. */
  seen(id: string): void {
    this.#offers.delete(id);
  }

  /** Writes what is due; with `all`, also what waits for its minute to pass. */
  async flush(all = false): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    const now = this.#clock.now();
    const batch: Notice[] = [];
    for (const [key, entry] of this.#entries) {
      if (!all && entry.from > now) continue;
      if (entry.count === 0) this.#entries.delete(key);
      else batch.push({ ...entry.notice, count: entry.count });
      entry.count = 0;
      entry.from = now + interval;
    }
    this.#quietUntil = now + Math.min(interval, batch.length * quietEach);
    this.#schedule();
    if (batch.length === 0) return;
    try {
      await this.#store.note(batch);
    } catch (error) {
      this.dropped += batch.length;
      throw error;
    }
  }

  #schedule(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) next = Math.min(next, entry.from);
    if (this.#entries.size > 0) this.#scheduleFor(next);
  }

  /** One timer for all; what is due before it moves it forward. */
  #scheduleFor(from: number): void {
    const now = this.#clock.now();
    const due = Math.max(now + flushAfter, from, this.#quietUntil);
    if (this.#cancel !== null && this.#due <= due) return;
    this.#cancel?.();
    this.#due = due;
    this.#cancel = this.#clock.after(due - now, () => {
      this.flush().catch(this.#failed);
    });
  }
}
