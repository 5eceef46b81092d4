import { type Clock, type EventType, type SessionEvent, type Sessions, SojournError } from 'sojourn';

/** An event and the place in the log that a reader resumes from. */
export type Told = SessionEvent & { readonly cursor: string };

export interface Listener {
  tell(event: Told): void;
  /** What happened meanwhile is not told: look anew. */
  lost(): void;
  /** The feed is closing; no more will come. */
  close(): void;
}

/** Sessions whose last events are at hand, the least recently heard of forgotten first; and how many of each. */
const mostSessions = 4096;
const mostOfOne = 40;
const retryAfter = 1000;
/** A page shows what a session came from, but not for ever. */
const mostPredecessors = 4;

/** Each type there is, so that one that has not happened yet is told as 0. */
const none: Readonly<Record<EventType, 0>> = {
  created: 0,
  signed_in: 0,
  rotated: 0,
  stepped_up: 0,
  permissions_changed: 0,
  reuse_detected: 0,
  expired: 0,
  terminated: 0,
  noticed: 0,
};

type Log = Pick<Sessions<object, string>, 'events' | 'cursor' | 'report'>;

/**
 * Follows the log of all sessions once for the whole process: keeps the last events of each session for
 * the pages, and passes new ones on to who listens to that session.
 */
export class Feed {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #recent = new Map<string, readonly Told[]>();
  readonly #cameFrom = new Map<string, string>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #counts = new Map<string, number>(Object.entries(none));
  #cursor: string;

  private constructor(log: Log, clock: Clock, cursor: string) {
    this.#log = log;
    this.#clock = clock;
    this.#cursor = cursor;
  }

  static async follow(log: Log, clock: Clock): Promise<Feed> {
    const feed = new Feed(log, clock, await log.cursor());
    void feed.#follow();
    return feed;
  }

  /** The place in the log up to which `of` is complete. */
  get cursor(): string {
    return this.#cursor;
  }

  /** How many events of each type came since the start, of all sessions and from every process on the store. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** The last events of a session, oldest first, after those of the sessions whose place it took. */
  of(id: string): readonly Told[] {
    const ids = [id];
    for (let before = this.#cameFrom.get(id); before && ids.length <= mostPredecessors; ) {
      ids.unshift(before);
      before = this.#cameFrom.get(before);
    }
    return ids.flatMap((each) => this.#recent.get(each) ?? []);
  }

  /** Tells a listener each new event of a session until the answer is called. */
  listen(id: string, listener: Listener): () => void {
    if (this.#stop.signal.aborted) listener.close();
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  /** Stops following and tells all listeners so. */
  close(): void {
    this.#stop.abort();
    for (const listener of this.#everyListener()) listener.close();
  }

  #everyListener(): Listener[] {
    return [...this.#listeners.values()].flatMap((listeners) => [...listeners]);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    for (let lost = false; !signal.aborted; ) {
      try {
        if (lost) {
          this.#cursor = await this.#log.cursor();
          lost = false;
          for (const listener of this.#everyListener()) listener.lost();
        }
        for await (const event of this.#log.events({ after: this.#cursor, signal })) this.#take(event);
        return;
      } catch (error) {
        lost ||= error instanceof SojournError && error.code === 'cursor_lost';
        await this.#pause(error);
      }
    }
  }

  /** The store will be there again; what is not at hand then is told by the next page. */
  async #pause(error: unknown): Promise<void> {
    const code = error instanceof SojournError ? error.code : 'store_unavailable';
    this.#log.report({ level: 'warn', code, message: 'The feed of events was interrupted and goes on.', error });
    await new Promise<void>((resolve) => {
      this.#clock.after(retryAfter, resolve);
    });
  }

  #take(event: Told): void {
    this.#cursor = event.cursor;
    const { sessionId, replacedBy, type } = event;
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    const recent = [...(this.#recent.get(sessionId) ?? []), event].slice(-mostOfOne);
    remember(this.#recent, sessionId, recent);
    if (replacedBy) remember(this.#cameFrom, replacedBy, sessionId);
    for (const listener of [...(this.#listeners.get(sessionId) ?? [])]) listener.tell(event);
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > mostSessions && oldest !== undefined) map.delete(oldest);
}
