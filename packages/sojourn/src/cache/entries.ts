import { frozen } from '../lifecycle/frozen.ts';
import type { Remembered } from '../lifecycle/ports.ts';
import type { SessionRecord } from '../lifecycle/session.ts';
import { partitionOf, partitions } from '../lifecycle/token.ts';
import { Alike } from './alike.ts';
import { Lately } from './lately.ts';

interface Entry extends Remembered {
  record: SessionRecord;
  readonly rest: string;
  readonly bytes: number;
  /** When it was read, by the engine's time. */
  readonly at: number;
  /** Asked for since the hand last came by. */
  used: boolean;
}

/** What a record takes in memory besides its data, lists and names, as measured (bench/memory). */
const fixedBytes = 760;
const bytesOfRetired = 250;
const bytesOfName = 50;

/** Rather more than it takes: texts are counted also where many sessions share them. */
function bytesOf({ data, retired, permissions, grants = [], device }: SessionRecord): number {
  const names = [...permissions, ...grants];
  return (
    fixedBytes +
    bytesOfText(data) +
    retired.length * bytesOfRetired +
    names.length * bytesOfName +
    bytesOfText(names.join('')) +
    (device === undefined ? 0 : bytesOfText(device.label) + bytesOfText(device.userAgent))
  );
}

/** Characters beyond Latin-1 make a string of two bytes each. */
function bytesOfText(text: string): number {
  return isLatin1(text) ? text.length : 2 * text.length;
}

function isLatin1(text: string): boolean {
  return !/[\u0100-\uffff]/.test(text);
}

/**
 * Of an id, what it is found by and what is compared then. V8 copies a piece of up to 12 characters and only refers to
 * a longer one, and a Map that compares such references calls into the runtime, which takes as long as the hash.
 */
const headLength = 12;
const headOf = (id: string): string => id.slice(0, headLength);
const restOf = (id: string): string => id.slice(headLength);

/** Where all were asked for, the hand would have to pass all of them for the sake of one. */
const mostSpared = 256;

/**
 * Live records by partition, never more than so many bytes: the ones that nobody asks for go first (CLOCK). Once
 * there is no room, who was not asked for lately gets none: what a crawler leaves or a scan reads displaces nobody.
 */
export class Entries {
  readonly #most: number;
  readonly #parts: readonly Map<string, Entry>[] = Array.from({ length: partitions }, () => new Map());
  readonly #alike = new Alike();
  readonly #lately = new Lately();
  #hand = 0;
  bytes = 0;
  size = 0;
  /** Put out for others, since the start. */
  evicted = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** `partition`: the id's own, which the caller has at hand. */
  get(id: string, partition: number): Remembered | null {
    const entry = this.#parts[partition]?.get(headOf(id));
    if (entry === undefined || entry.rest !== restOf(id)) return null;
    // Not written where nothing changes: each entry lies in a line of the processor's cache.
    if (!entry.used) entry.used = true;
    return entry;
  }

  /** `at`: when it was read. */
  set(record: SessionRecord, at: number): void {
    const part = this.#parts[partitionOf(record.id)];
    const head = headOf(record.id);
    const before = part?.get(head);
    if (before !== undefined) this.delete(before.record.id);
    const bytes = bytesOf(record);
    if (bytes > this.#most) return;
    const crowded = this.bytes + bytes > this.#most;
    if (crowded && before === undefined && !this.#lately.again(record.id)) return;
    const kept = frozen({ ...record, id: alone(record.id), data: alone(record.data), ...this.#shared(record) });
    part?.set(head, { record: kept, restsUntil: 0, rest: restOf(kept.id), bytes, at, used: crowded });
    this.bytes += bytes;
    this.size += 1;
    for (let spared = 0; this.bytes > this.#most; ) spared += this.#advance(spared < mostSpared) ? 1 : 0;
  }

  /** Forward only. */
  seen(id: string, at: number): void {
    const entry = this.#entry(id);
    if (entry === null || at <= entry.record.lastSeenAt) return;
    entry.record = Object.freeze({ ...entry.record, lastSeenAt: at });
    entry.restsUntil = 0;
  }

  /** When it was read, `null` where there was none. */
  delete(id: string): number | null {
    const entry = this.#entry(id);
    if (entry === null) return null;
    this.#parts[partitionOf(id)]?.delete(headOf(id));
    this.bytes -= entry.bytes;
    this.size -= 1;
    return entry.at;
  }

  #shared({ permissions, device }: SessionRecord): Pick<SessionRecord, 'permissions' | 'device'> {
    const known = this.#alike;
    return {
      permissions: known.list(permissions),
      ...(device && {
        device: { ...device, label: known.text(device.label), userAgent: known.text(device.userAgent) },
      }),
    };
  }

  #entry(id: string): Entry | null {
    const entry = this.#parts[partitionOf(id)]?.get(headOf(id));
    return entry?.rest === restOf(id) ? entry : null;
  }

  clear(partition: number): void {
    for (const { record } of this.#parts[partition]?.values() ?? []) this.delete(record.id);
  }

  deleteSubject(partition: number, subject: string): void {
    for (const { record } of this.#parts[partition]?.values() ?? []) {
      if (record.subject === subject) this.delete(record.id);
    }
  }

  /** The hand passes one entry: one that was asked for stays another round. Whether one was spared. */
  #advance(spares: boolean): boolean {
    const part = this.#parts[this.#hand];
    this.#hand = (this.#hand + 1) % partitions;
    const [first] = part ?? [];
    if (part === undefined || first === undefined) return false;
    const [head, entry] = first;
    if (!entry.used || !spares) {
      this.delete(entry.record.id);
      this.evicted += 1;
      return false;
    }
    entry.used = false;
    part.delete(head);
    part.set(head, entry);
    return true;
  }
}

/**
 * The same text in memory of its own. A piece of a text keeps the whole alive: the id that of the request's
 * cookies, the data that of the engine's answer.
 */
function alone(text: string): string {
  return isLatin1(text) ? Buffer.from(text, 'latin1').toString('latin1') : ` ${text}`.slice(1);
}
