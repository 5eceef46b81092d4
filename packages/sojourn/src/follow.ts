import type { SessionEvent } from './lifecycle/events.ts';
import type { Store } from './lifecycle/ports.ts';

export interface EventsOptions {
  readonly after?: string;
  /** `false`: end at the newest instead of waiting for more. Default true. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

const eventsAtOnce = 256;

/** Events from a cursor on, and on as they happen. One read at a time; what is written meanwhile wakes it. */
export async function* follow(
  store: Store,
  { after, follow: goOn = true, signal }: EventsOptions,
  closed: AbortSignal,
): AsyncGenerator<SessionEvent & { readonly cursor: string }> {
  const stop = signal ? AbortSignal.any([signal, closed]) : closed;
  const changes = new Changes(store, stop);
  try {
    let cursor = after ?? null;
    while (!stop.aborted) {
      changes.seen();
      const page = await store.events(cursor, eventsAtOnce);
      for (const { event, cursor: at } of page.events) {
        if (stop.aborted) return;
        yield { ...event, cursor: at };
      }
      cursor = page.cursor;
      if (page.events.length > 0) continue;
      if (!goOn) return;
      await changes.next();
    }
  } finally {
    changes.stop();
  }
}

/** Wakes who waits when the store has changed since they looked, or when they are to stop. */
class Changes {
  readonly #stopped: AbortSignal;
  readonly #unwatch: () => void;
  readonly #woken = (): void => {
    this.#changed = true;
    this.#wake();
  };
  #changed = false;
  #wake: () => void = () => {};

  constructor(store: Store, stopped: AbortSignal) {
    this.#stopped = stopped;
    this.#unwatch = store.watch(this.#woken);
    stopped.addEventListener('abort', this.#woken);
  }

  seen(): void {
    this.#changed = false;
  }

  async next(): Promise<void> {
    if (this.#changed || this.#stopped.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  stop(): void {
    this.#stopped.removeEventListener('abort', this.#woken);
    this.#unwatch();
  }
}
