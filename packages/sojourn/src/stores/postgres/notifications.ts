import { setTimeout as after, setImmediate as nextTurn } from 'node:timers/promises';
import { announcement, type Hear, whenOver } from '../announcements.ts';

/** PostgreSQL takes less than 8,000 bytes in one. Session ids are ASCII. */
const longestPayload = 7900;
/** What waits beyond this is left to the beats. */
const mostWaiting = 10_000;
/** How long closing waits for what is still to be told. */
const longestFarewell = 500;
/** How often it is asked whether the pool is being ended, which waits for its last connection. */
const endingEvery = 1000;

/** A connection of a `pg` pool. */
export interface PostgresConnection {
  query(text: string): Promise<unknown>;
  on(event: 'notification', listener: (message: { channel: string; payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  release(destroy: boolean): void;
  ref?(): void;
  unref?(): void;
}

/** What of a client is needed to hear: `connect` of a `pg` pool, or `listen` of PGlite. */
export interface PostgresHearing {
  connect?(): Promise<PostgresConnection>;
  listen?(channel: string, heard: (payload: string) => void): Promise<() => Promise<unknown>>;
  readonly options?: { readonly max?: number | undefined };
  readonly ending?: boolean;
  on?(event: 'remove', listener: () => void): unknown;
  off?(event: 'remove', listener: () => void): unknown;
}

type Notify = (channel: string, payloads: readonly string[]) => Promise<unknown>;

export function channelOf(schema: string): string {
  return `${schema}_changes`;
}

/**
 * Tells of commits after them: inside their transactions NOTIFY would make all commits of the server go
 * one after another. One statement is under way; what is committed meanwhile goes with the next.
 */
export class Notifier {
  readonly #notify: Notify;
  readonly #channel: string;
  readonly #waiting = new Set<string>();
  #since = Number.POSITIVE_INFINITY;
  #sending: Promise<void> | null = null;

  constructor(notify: Notify, channel: string) {
    this.#notify = notify;
    this.#channel = channel;
  }

  /** `at` is no later than the commit. */
  tell(at: number, ids: Iterable<string>): void {
    for (const id of ids) if (id !== '' && this.#waiting.size < mostWaiting) this.#waiting.add(id);
    if (this.#waiting.size === 0) return;
    this.#since = Math.min(this.#since, at);
    this.#sending ??= this.#send();
  }

  /** Waits a little for what is still to be told. */
  async close(): Promise<void> {
    await Promise.race([this.#sending, after(longestFarewell, null, { ref: false })]);
  }

  async #send(): Promise<void> {
    while (this.#waiting.size > 0) {
      await nextTurn();
      const payloads = payloadsOf(this.#since, [...this.#waiting]);
      this.#waiting.clear();
      this.#since = Number.POSITIVE_INFINITY;
      // Where it fails, beats tell.
      await this.#notify(this.#channel, payloads).catch(() => {});
    }
    this.#sending = null;
  }
}

function payloadsOf(at: number, ids: readonly string[]): readonly string[] {
  const parts: string[][] = [];
  let left = 0;
  for (const id of ids) {
    left -= id.length + 1;
    if (left < 0) {
      parts.push([]);
      left = longestPayload - String(at).length - id.length - 1;
    }
    parts.at(-1)?.push(id);
  }
  return parts.map((part) => announcement(at, part));
}

/** Hears what is notified; `null` where the client has no connection to spare for it. */
export function notifications(client: PostgresHearing, channel: string): Hear | null {
  if (client.listen) return ofPGlite(client.listen.bind(client), channel);
  if (client.connect === undefined || client.options?.max === 1) return null;
  return ofPool(client, client.connect.bind(client), channel);
}

function ofPGlite(listen: NonNullable<PostgresHearing['listen']>, channel: string): Hear {
  return async (heard, { signal }) => {
    const stop = await listen(channel, heard);
    whenOver(signal, () => void stop().catch(() => {}));
  };
}

/** On a connection of the pool that is taken for it and not given back, but ended: it would still hear. */
function ofPool(pool: PostgresHearing, connect: NonNullable<PostgresHearing['connect']>, channel: string): Hear {
  return async (heard, attempt) => {
    const lost = (): void => attempt.abort();
    const connection = await connect();
    connection.on('error', lost);
    connection.on('end', lost);
    connection.on('notification', (message) => {
      if (message.channel === channel) heard(message.payload ?? '');
    });
    connection.unref?.();
    whenOver(attempt.signal, () => {
      // A pool that is being ended waits for its goodbye, and the process has to live as long.
      connection.ref?.();
      connection.release(true);
    });
    if (attempt.signal.aborted) return;
    const lostIfEnding = (): void => {
      if (pool.ending) lost();
    };
    const asking = setInterval(lostIfEnding, endingEvery).unref();
    pool.on?.('remove', lostIfEnding);
    whenOver(attempt.signal, () => {
      clearInterval(asking);
      pool.off?.('remove', lostIfEnding);
    });
    await connection.query(`LISTEN ${channel}`);
  };
}
