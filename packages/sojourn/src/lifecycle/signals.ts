import { SojournError } from './errors.ts';
import type { SessionEvent } from './events.ts';
import { expire, expiryOf, limitsOf } from './expire.ts';
import type { Life } from './life.ts';
import type { Ending, SessionRecord } from './session.ts';

const eventsAtOnce = 256;

interface Watched {
  readonly controller: AbortController;
  cancelTimer: () => void;
}

/**
 * One `AbortSignal` for each session that something in this process waits on. It aborts when the
 * session ends: at once when this process ends it, soon after when another does, and at its limits.
 */
export class Signals {
  readonly #watched = new Map<string, Watched>();
  readonly #failed: (error: unknown) => void;
  #closed = false;
  #stopWatching: (() => void) | null = null;
  #cursor: string | null = null;
  #reading = false;
  #again = false;

  constructor(failed: (error: unknown) => void) {
    // What fails because the store has been closed under it has nobody to tell.
    this.#failed = (error) => {
      if (!this.#closed) failed(error);
    };
  }

  /** The signal of a session, aborted already when it has ended. */
  of(life: Life, record: SessionRecord): AbortSignal {
    const known = this.#watched.get(record.id);
    if (known) return known.controller.signal;
    const watched: Watched = { controller: new AbortController(), cancelTimer: () => {} };
    if (record.ending) {
      watched.controller.abort(endedError(record.id, record.ending));
      return watched.controller.signal;
    }
    this.#watched.set(record.id, watched);
    this.#begin(life)
      // What ended before the watching began is found by reading the session once more.
      .then(() => this.#check(life, record.id, watched))
      .catch(this.#failed);
    return watched.controller.signal;
  }

  /** Sessions that this process has just ended. */
  ended(records: readonly Pick<SessionRecord, 'id' | 'ending'>[]): void {
    for (const { id, ending } of records) {
      const watched = this.#watched.get(id);
      if (watched === undefined || ending === undefined) continue;
      watched.cancelTimer();
      this.#watched.delete(id);
      watched.controller.abort(endedError(id, ending));
    }
    if (this.#watched.size === 0) this.#stop();
  }

  /** Stops waiting; what was handed out does not abort any more. */
  close(): void {
    this.#closed = true;
    for (const { cancelTimer } of this.#watched.values()) cancelTimer();
    this.#watched.clear();
    this.#stop();
  }

  async #begin(life: Life): Promise<void> {
    if (this.#stopWatching) return;
    this.#stopWatching = life.store.watch(() => this.#changed(life));
    this.#cursor = (await life.store.beat()).cursor;
  }

  #stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  /** At a limit the session is read again, for it may have been seen since. */
  #schedule(life: Life, record: SessionRecord, watched: Watched): void {
    const { idleTimeout, expiresAt } = limitsOf(record, life.policy);
    const at = Math.min(record.lastSeenAt + idleTimeout, expiresAt);
    // Timers longer than 2³¹ ms fire at once, so a far limit is looked at on the way.
    const delay = Math.min(Math.max(1, at - life.store.now()), 2 ** 31 - 1);
    watched.cancelTimer = life.clock.after(delay, () => {
      this.#check(life, record.id, watched).catch(this.#failed);
    });
  }

  async #check(life: Life, id: string, watched: Watched): Promise<void> {
    await life.touches.flush();
    const record = await life.store.find(id);
    if (this.#watched.get(id) !== watched) return;
    if (record === null) {
      this.ended([{ id, ending: { reason: 'purged', at: life.store.now(), by: 'system' } }]);
      return;
    }
    const expiry = record.ending ? null : expiryOf(record, life.policy, life.store.now());
    const now = expiry ? await expire(life, record, expiry) : record;
    if (now?.ending) this.ended([now]);
    else if (this.#watched.get(id) === watched) this.#schedule(life, now ?? record, watched);
  }

  /** Something was written somewhere: which of the sessions waited on have ended? Merged while one reading runs. */
  #changed(life: Life): void {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    this.#read(life)
      .catch(this.#failed)
      .finally(() => {
        this.#reading = false;
      });
  }

  async #read(life: Life): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const { events, cursor } = await life.store.events(this.#cursor, eventsAtOnce);
      this.#cursor = cursor;
      this.#again ||= events.length === eventsAtOnce;
      this.ended(events.flatMap(({ event }) => endedBy(event)));
    }
  }
}

function endedBy(event: SessionEvent): { id: string; ending: Ending }[] {
  const { reason, by, at, sessionId } = event;
  return reason && by ? [{ id: sessionId, ending: { reason, by, at } }] : [];
}

function endedError(sessionId: string, { reason, at }: Ending): SojournError {
  return new SojournError('session_terminated', `The session ended: ${reason}.`, { sessionId, reason, at });
}
