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
  // Whether the store has changed since it was read, and what wakes who waits for that or for the end.
  let changed = false;
  let wake = (): void => {};
  const woken = (): void => {
    changed = true;
    wake();
  };
  const unwatch = store.watch(woken);
  stop.addEventListener('abort', woken);
  try {
    let cursor = after ?? null;
    while (!stop.aborted) {
      changed = false;
      const page = await store.events(cursor, eventsAtOnce);
      for (const { event, cursor: at } of page.events) {
        if (stop.aborted) return;
        yield { ...event, cursor: at };
      }
      cursor = page.cursor;
      if (page.events.length > 0) continue;
      if (!goOn) return;
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop.removeEventListener('abort', woken);
    unwatch();
  }
}
