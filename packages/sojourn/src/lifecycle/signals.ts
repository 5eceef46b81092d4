import { SojournError } from './errors.ts';
import { expire, expiryOf, limitsOf } from './expire.ts';
import type { Life } from './life.ts';
import type { Ending, SessionRecord } from './session.ts';
import { actorChanged, endAndRefuse } from './track.ts';

const eventsAtOnce = 256;
/** After a failure of the store, what it could not tell is asked again this much later. */
const retryAfter = 1000;

/** A signal for one who waits and says when they no longer do. */
export interface Wait {
  readonly signal: AbortSignal;
  release(): void;
}

interface Watched {
  /** Of the signal that was handed out for good: nobody says when it is no longer looked at. */
  lasting: AbortController | null;
  /** Of those who say so. */
  readonly waiting: Set<AbortController>;
  /** Somebody acts as the subject: their account is looked at whenever anything changes. */
  readonly acted: boolean;
  cancelTimer: () => void;
}

/**
 * One `AbortSignal` for each session that something in this process waits on. It aborts when the
 * session ends: at once when this process ends it, soon after when another does, and at its limits.
 */
export class Signals {
  readonly #failed: (error: unknown) => void;
  readonly #watched = new Map<string, Watched>();
  #stopWatching: (() => void) | null = null;
  /** Events up to here have been read; `null`: none yet, or the place was lost. */
  #cursor: string | null = null;
  #reading = false;
  #changedSince = false;
  #closed = false;

  constructor(failed: (error: unknown) => void) {
    // What fails because the store has been closed under it has nobody to tell.
    this.#failed = (error) => {
      if (!this.#closed) failed(error);
    };
  }

  /** The signal of a live session. One that ended since its request was admitted aborts as soon as it has been looked up. */
  of(life: Life, record: SessionRecord): AbortSignal {
    const watched = this.#watch(life, record);
    watched.lasting ??= new AbortController();
    return watched.lasting.signal;
  }

  /** The same for somebody who says when they stop waiting. */
  wait(life: Life, record: SessionRecord): Wait {
    const watched = this.#watch(life, record);
    const controller = new AbortController();
    watched.waiting.add(controller);
    return {
      signal: controller.signal,
      release: () => {
        watched.waiting.delete(controller);
        this.#forgetIdle(record.id, watched);
      },
    };
  }

  #watch(life: Life, record: SessionRecord): Watched {
    const known = this.#watched.get(record.id);
    if (known) return known;
    const watched: Watched = {
      lasting: null,
      waiting: new Set(),
      acted: record.actor !== undefined,
      cancelTimer: () => {},
    };
    this.#watched.set(record.id, watched);
    if (this.#stopWatching === null) {
      this.#stopWatching = life.store.watch(() => this.#changed(life));
      this.#changed(life);
    } else this.#check(life, record.id);
    return watched;
  }

  #forgetIdle(id: string, watched: Watched): void {
    if (watched.lasting !== null || watched.waiting.size > 0 || this.#watched.get(id) !== watched) return;
    watched.cancelTimer();
    this.#watched.delete(id);
    if (this.#watched.size === 0) this.#stop();
  }

  /** Sessions that have just ended. */
  ended(records: readonly Pick<SessionRecord, 'id' | 'ending'>[]): void {
    for (const { id, ending } of records) {
      const watched = this.#watched.get(id);
      if (watched === undefined || ending === undefined) continue;
      watched.cancelTimer();
      this.#watched.delete(id);
      for (const controller of [watched.lasting, ...watched.waiting]) controller?.abort(endedError(id, ending));
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

  #stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.#cursor = null;
  }

  /** Looks a session up and waits for its next limit; a failure is told, and asked again. */
  #check(life: Life, id: string): void {
    this.#look(life, id).catch((error: unknown) => {
      this.#failed(error);
      this.#waitFor(life, id, retryAfter);
    });
  }

  async #look(life: Life, id: string): Promise<void> {
    await life.touches.flush();
    const record = await life.store.find(id);
    if (record === null) {
      this.ended([{ id, ending: { reason: 'purged', at: life.store.now(), by: 'system' } }]);
      return;
    }
    if (!record.ending && (await actorChanged(life, record))) {
      await endAndRefuse(life, record, { reason: 'subject_changed' });
      return;
    }
    const expiry = record.ending ? null : expiryOf(record, life.policy, life.store.now());
    const now = (expiry && (await expire(life, record, expiry))) ?? record;
    this.ended([now]);
    // It may have been seen since by then, so it is looked up again at its limit.
    const { idleTimeout, expiresAt } = limitsOf(now, life.policy);
    this.#waitFor(life, id, Math.min(now.lastSeenAt + idleTimeout, expiresAt) - life.store.now());
  }

  #waitFor(life: Life, id: string, delay: number): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    watched.cancelTimer();
    watched.cancelTimer = life.clock.after(Math.max(1, delay), () => this.#check(life, id));
  }

  /** Something was written somewhere. Merged while one reading runs. */
  #changed(life: Life): void {
    this.#changedSince = true;
    if (this.#reading) return;
    this.#reading = true;
    this.#read(life).catch((error: unknown) => {
      this.#reading = false;
      // The place is lost: begin anew, and look every session up.
      this.#cursor = null;
      if (this.#stopWatching) life.clock.after(retryAfter, () => this.#changed(life));
      this.#failed(error);
    });
  }

  async #read(life: Life): Promise<void> {
    while (this.#changedSince && this.#watched.size > 0) {
      this.#changedSince = false;
      if (this.#cursor === null) {
        const cursor = await life.store.cursor();
        // Nobody waits any more: whoever waits next begins anew.
        if (this.#stopWatching === null) continue;
        this.#cursor = cursor;
        for (const id of this.#watched.keys()) this.#check(life, id);
      } else {
        await this.#readOn(life, this.#cursor);
      }
    }
    // In the same turn as the last look at `changedSince`, so that no change falls between the two.
    this.#reading = false;
  }

  async #readOn(life: Life, from: string): Promise<void> {
    const { events, cursor } = await life.store.events(from, eventsAtOnce);
    // Stopped and begun anew meanwhile: the new place counts.
    if (this.#cursor === from) this.#cursor = cursor;
    this.#changedSince ||= events.length === eventsAtOnce;
    for (const { event } of events) {
      const { sessionId: id, reason, at, by = 'system' } = event;
      if (reason) this.ended([{ id, ending: { reason, at, by } }]);
    }
    // What cannot be read may have told of any of them.
    const any = events.some(({ event }) => event.code === 'event_unreadable');
    for (const [id, { acted }] of this.#watched) if (acted || any) this.#check(life, id);
  }
}

function endedError(sessionId: string, { reason, at }: Ending): SojournError {
  return new SojournError('session_terminated', `The session ended: ${reason}.`, { sessionId, reason, at });
}
