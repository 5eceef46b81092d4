import type { SessionEvent } from '../../lifecycle/events.ts';
import type { Store } from '../../lifecycle/ports.ts';
import { partitions } from '../../lifecycle/token.ts';
import { cursorLost, decodeCursor, encodeCursor, readCursor, shortMark } from '../cursor.ts';
import { eventIn, readableEvent } from '../rows.ts';
import { listOf, type Send } from './client.ts';
import type { Keys } from './keys.ts';

export const everyPartition: readonly number[] = Array.from({ length: partitions }, (_, partition) => partition);

/** An event with its number, as it stands among those of its partition. */
export interface NumberedText {
  readonly number: number;
  /** Of the write that told it; empty for what an older release wrote. */
  readonly mark: string;
  readonly event: SessionEvent;
  readonly text: string;
}

/** What stands after the number. */
export function bodyOf(event: SessionEvent, mark: string): string {
  return JSON.stringify({ ...event, ...(mark === '' ? {} : { mark }) });
}

function numberedText(given: string | null): NumberedText {
  const text = given ?? '';
  const colon = text.indexOf(':');
  const { mark = '', ...event }: Marked = eventIn(text.slice(colon + 1));
  return { number: Number(text.slice(0, colon)), mark, event, text };
}

type Marked = SessionEvent & { readonly mark?: string };

/** The same, or `null` where it cannot be read. */
export function ifReadable(text: string | null): NumberedText | null {
  return readableEvent((text ?? '').replace(/^[^:]*:/, '')) === null ? null : numberedText(text);
}

/** One number of a partition, and the mark of the event that has it; 0 before the first. */
interface Place {
  readonly number: number;
  readonly mark: string;
}

/** How far a partition has counted, changes that are no event included; its last event; and the last that is forgotten. */
interface Counts {
  readonly counter: number;
  readonly last: Place;
  readonly forgotten: Place;
}

interface Found extends NumberedText {
  readonly partition: number;
  /** The latest time up to it, so that sorting by it keeps the partition's order. */
  readonly reached: number;
}

interface Read {
  readonly partition: number;
  readonly first: Place | null;
  readonly next: readonly Found[];
}

/**
 * The events of all partitions. Redis may lose its last writes in a failover or a crash and give their
 * numbers out again. So a cursor carries a mark of the event at each position, and holds only while that
 * event is there: then all before it are, too (as Raft matches logs).
 */
export class EventLog {
  readonly #send: Send;
  readonly #keys: Keys;
  readonly #epoch: string;

  constructor(send: Send, keys: Keys, epoch: string) {
    this.#send = send;
    this.#keys = keys;
    this.#epoch = epoch;
  }

  async events(after: string | null, most: number): Promise<Awaited<ReturnType<Store['events']>>> {
    const before = await this.#counts();
    const places = after === null ? before.map(({ forgotten }) => forgotten) : this.#placesOf(after, before);
    const behind = everyPartition.filter(
      (partition) => numberAt(places, partition) < (before[partition]?.counter ?? 0),
    );
    const read = await Promise.all(
      behind.map((partition) => this.#from(partition, places[partition] ?? nowhere, most)),
    );
    if (after !== null && behind.length > 0) {
      // What was forgotten while this was read is a gap that must not be silent.
      const now = await this.#counts();
      this.#placesOf(after, now);
      for (const { partition, first } of read) checkThere(places[partition], first, now[partition]);
    }
    const events = read
      .flatMap(({ next }) => next)
      .sort((a, b) => a.reached - b.reached || a.partition - b.partition || a.number - b.number)
      .slice(0, most)
      .map(({ partition, number, mark, event }) => {
        places[partition] = { number, mark: shortMark(mark) };
        return { event, cursor: this.#encode(places) };
      });
    return { events, cursor: this.#encode(places) };
  }

  async numbered(subject: string, numbers: readonly (string | null)[]): Promise<NumberedText[]> {
    return (await this.texts(subject, numbers)).map(numberedText);
  }

  /** As they stand there, also what cannot be read. */
  async texts(subject: string, numbers: readonly (string | null)[]): Promise<string[]> {
    const list = this.#keys.eventsOf(subject);
    const found = await Promise.all(
      numbers.flatMap((number) => (number === null ? [] : [this.#send('ZRANGE', list, number, number, 'BYSCORE')])),
    );
    return found.flatMap((answer) => listOf(answer).filter((text) => text !== null));
  }

  /** Of this moment: after the last event of each partition. */
  async cursor(): Promise<string> {
    const counts = await this.#counts();
    return this.#encode(counts.map(({ counter, last }) => (last.number > 0 ? last : { number: counter, mark: '' })));
  }

  /** Another text after each write. */
  async state(): Promise<string> {
    return (await this.#counts()).map(({ counter }) => counter).join(' ');
  }

  /** Throws `cursor_lost` where it is not one of what there is. */
  #placesOf(cursor: string, counts: readonly Counts[]): Place[] {
    const [forgotten, counters] = [counts.map((one) => one.forgotten.number), counts.map(({ counter }) => counter)];
    const at = decodeCursor(cursor, { epoch: this.#epoch, forgotten, counters });
    const { marks } = readCursor(cursor, this.#epoch);
    const places = at.map((number, partition) => ({ number, mark: marks[partition] ?? '' }));
    for (const [partition, { last, forgotten: gone }] of counts.entries()) {
      const place = places[partition] ?? nowhere;
      if (place.mark === '') continue;
      if (place.number > last.number) throw lost();
      for (const known of [last, gone]) if (known.number === place.number) checkSame(place, known);
    }
    return places;
  }

  /** A partition's next events after a place, and the first from it on where the place says which that is. */
  async #from(partition: number, { number, mark }: Place, most: number): Promise<Read> {
    const marked = mark !== '';
    const range = [marked ? String(number) : `(${number}`, '+inf', 'BYSCORE', 'LIMIT', '0', String(most + 1)];
    const texts = listOf(await this.#send('ZRANGE', this.#keys.events(partition), ...range)).map(numberedText);
    let reached = 0;
    const next = texts
      .filter((text) => text.number > number)
      .map((text) => {
        reached = Math.max(reached, text.event.at);
        return { ...text, partition, reached };
      });
    const first = { number: texts[0]?.number ?? 0, mark: shortMark(texts[0]?.mark ?? '') };
    return { partition, first: marked ? first : null, next };
  }

  async #counts(): Promise<Counts[]> {
    const fields = ['counter', 'forgotten', 'forgottenMark', 'last'];
    return Promise.all(
      everyPartition.map(async (partition) => {
        const [counter, forgotten, mark, last] = listOf(
          await this.#send('HMGET', this.#keys.counts(partition), ...fields),
        );
        const [number, lastMark] = (last ?? '').split(':');
        return {
          counter: Number(counter),
          forgotten: { number: Number(forgotten), mark: shortMark(mark ?? '') },
          last: { number: Number(number), mark: shortMark(lastMark ?? '') },
        };
      }),
    );
  }

  #encode(places: readonly Place[]): string {
    const [at, marks] = [places.map(({ number }) => number), places.map(({ mark }) => mark)];
    return encodeCursor({ epoch: this.#epoch, at, marks });
  }
}

const nowhere: Place = { number: 0, mark: '' };

function numberAt(places: readonly Place[], partition: number): number {
  return places[partition]?.number ?? 0;
}

/** Throws `cursor_lost` where the first event that was found is not the one that the place is at, and that was not forgotten. */
function checkThere(place: Place = nowhere, first: Place | null, counts: Counts | undefined): void {
  if (first !== null && place.number > (counts?.forgotten.number ?? 0)) checkSame(place, first);
}

function checkSame(place: Place, { number, mark }: Place): void {
  if (number !== place.number || (mark !== '' && mark !== place.mark)) throw lost();
}

function lost(): Error {
  return cursorLost('redis has lost the event that it is at, as a failover may');
}
