import type { SessionRecord } from '../lifecycle/session.ts';
import { partitionOf, partitions } from '../lifecycle/token.ts';

interface Entry {
  record: SessionRecord;
  readonly bytes: number;
  /** When it was read, by the engine's time. */
  readonly at: number;
  /** Asked for since the hand last came by. */
  used: boolean;
}

/** What a record takes in memory besides its data and lists, as measured (bench/memory). */
const fixedBytes = 1200;
const bytesOfRetired = 250;
const bytesOfName = 50;

/** Rather more than it takes. */
function bytesOf({ data, retired, permissions, grants = [] }: SessionRecord): number {
  const names = [...permissions, ...grants];
  return (
    fixedBytes +
    bytesOfText(data) +
    retired.length * bytesOfRetired +
    names.length * bytesOfName +
    bytesOfText(names.join(''))
  );
}

/** Characters beyond Latin-1 make a string of two bytes each. */
function bytesOfText(text: string): number {
  return /[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length;
}

/** Live records by partition, never more than so many bytes: the ones that nobody asks for go first (CLOCK). */
export class Entries {
  readonly #most: number;
  readonly #parts: readonly Map<string, Entry>[] = Array.from({ length: partitions }, () => new Map());
  #hand = 0;
  bytes = 0;
  size = 0;
  /** Put out for others, since the start. */
  evicted = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** `partition`: the id's own, which the caller has at hand. */
  get(id: string, partition: number): SessionRecord | null {
    const entry = this.#parts[partition]?.get(id);
    if (entry === undefined) return null;
    entry.used = true;
    return entry.record;
  }

  /** `at`: when it was read. */
  set(record: SessionRecord, at: number): void {
    this.delete(record.id);
    const bytes = bytesOf(record);
    if (bytes > this.#most) return;
    const kept = frozen({ ...record, id: alone(record.id), data: alone(record.data) });
    this.#parts[partitionOf(kept.id)]?.set(kept.id, { record: kept, bytes, at, used: false });
    this.bytes += bytes;
    this.size += 1;
    while (this.bytes > this.#most) this.#advance();
  }

  /** Forward only. */
  seen(id: string, at: number): void {
    const entry = this.#parts[partitionOf(id)]?.get(id);
    if (entry && at > entry.record.lastSeenAt) entry.record = Object.freeze({ ...entry.record, lastSeenAt: at });
  }

  /** When it was read, `null` where there was none. */
  delete(id: string): number | null {
    const part = this.#parts[partitionOf(id)];
    const entry = part?.get(id);
    if (part === undefined || entry === undefined) return null;
    part.delete(id);
    this.bytes -= entry.bytes;
    this.size -= 1;
    return entry.at;
  }

  clear(partition: number): void {
    for (const id of this.#parts[partition]?.keys() ?? []) this.delete(id);
  }

  deleteSubject(partition: number, subject: string): void {
    for (const [id, { record }] of this.#parts[partition] ?? []) if (record.subject === subject) this.delete(id);
  }

  /** The hand passes one entry: one that was asked for stays another round. */
  #advance(): void {
    const part = this.#parts[this.#hand];
    this.#hand = (this.#hand + 1) % partitions;
    const [first] = part ?? [];
    if (part === undefined || first === undefined) return;
    const [id, entry] = first;
    if (!entry.used) {
      this.delete(id);
      this.evicted += 1;
      return;
    }
    entry.used = false;
    part.delete(id);
    part.set(id, entry);
  }
}

/**
 * The same text in memory of its own. A piece of a text keeps the whole alive: the id that of the request's
 * cookies, the data that of the engine's answer.
 */
function alone(text: string): string {
  return ` ${text}`.slice(1);
}

/** Many requests share it: what one of them would write into it, the others would read. */
function frozen(record: SessionRecord): SessionRecord {
  for (const value of Object.values(record)) if (typeof value === 'object' && value !== null) deepFreeze(value);
  return Object.freeze(record);
}

function deepFreeze(value: object): void {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  Object.freeze(value);
}
