import { setImmediate } from 'node:timers/promises';
import { type Sessions, SojournError } from 'sojourn';
import type { Told } from './feed.ts';

/** Events of all sessions that are looked through to find what one of them missed. */
const mostMissed = 512;
/** So many in one turn of the loop: an embedded engine reads while all else stands still. */
const atOnce = 256;
const mostReading = 2;
const mostWaiting = 64;

/**
 * Finds what a session missed, for streams that resume. Anybody may ask, with a cursor as old as they like,
 * so few read at a time and the others wait their turn.
 */
export class CatchUps {
  readonly #log: Pick<Sessions<object, string>, 'events'>;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(log: Pick<Sessions<object, string>, 'events'>) {
    this.#log = log;
  }

  /** A session's events after a cursor, oldest first. `null`: too many to look through, or too many ask; look anew. */
  async missed(sessionId: string, after: string): Promise<readonly Told[] | null> {
    if (this.#waiting.length >= mostWaiting) return null;
    if (this.#reading < mostReading) this.#reading += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#read(sessionId, after);
    } catch (error) {
      if (error instanceof SojournError && error.code === 'cursor_lost') return null;
      throw error;
    } finally {
      // The next takes over the place of this one.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#reading -= 1;
    }
  }

  async #read(sessionId: string, after: string): Promise<Told[] | null> {
    const missed: Told[] = [];
    let read = 0;
    await setImmediate();
    for await (const event of this.#log.events({ after, follow: false })) {
      if (event.sessionId === sessionId) missed.push(event);
      read += 1;
      if (read === mostMissed) return null;
      if (read % atOnce === 0) await setImmediate();
    }
    return missed;
  }
}
