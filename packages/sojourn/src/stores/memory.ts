import { randomBytes } from 'node:crypto';
import { SojournError } from '../lifecycle/errors.ts';
import { isTerminal, type SessionEvent } from '../lifecycle/events.ts';
import type { Beat, Mark, Store, SubjectRecord } from '../lifecycle/ports.ts';
import type { SessionRecord } from '../lifecycle/session.ts';
import { partitions } from '../lifecycle/token.ts';
import { beatOf, type Change, changesKept } from './changes.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import * as operations from './operations.ts';
import { type InParts, whole } from './parts.ts';
import {
  dueAt,
  erased,
  mostEnded,
  type NumberedEvent,
  type Rows,
  refuseTransaction,
  retention,
  stateOf,
} from './rows.ts';

export interface MemoryOptions {
  /** The engine's clock; default the machine's. */
  readonly now?: () => number;
}

/** Sessions in this process's memory, gone when it ends: for tests and trials. */
export function memory(options: MemoryOptions = {}): Store {
  return new MemoryStore(options.now ?? Date.now);
}

class MemoryStore implements Store {
  readonly name = 'memory';
  readonly distance = 'process';
  readonly now: () => number;
  readonly #rows = new MemoryRows();
  readonly #epoch = randomBytes(6).toString('base64url');
  readonly #watchers = new Set<() => void>();
  #closed = false;

  constructor(now: () => number) {
    this.now = now;
  }

  find(id: string, tx?: unknown): SessionRecord | null {
    refuseTransaction(this.name, tx);
    return this.#open().session(id);
  }

  subject(subject: string): SubjectRecord {
    const known = this.#open().subject(subject) ?? { subject, changedAt: 0, disabled: false };
    return { ...known, kept: operations.keptNow(known, this.now()) };
  }

  create: Store['create'] = async (...given) => this.#write((rows, now) => operations.create(rows, now, ...given));
  update: Store['update'] = async (...given) => this.#write((rows, now) => operations.update(rows, now, ...given));
  touch: Store['touch'] = async (...given) => this.#write((rows) => operations.touch(rows, ...given));
  end: Store['end'] = async (...given) => this.#write((rows, now) => operations.end(rows, now, ...given));
  endAll: Store['endAll'] = async (...given) => this.#whole((rows, now) => operations.endAll(rows, now, ...given));
  enable: Store['enable'] = async (...given) => this.#write((rows, now) => operations.enable(rows, now, ...given));
  setPermissions: Store['setPermissions'] = async (...given) =>
    this.#write((rows, now) => operations.setPermissions(rows, now, ...given).length);
  sweep: Store['sweep'] = async (...given) => this.#whole((rows, now) => operations.sweep(rows, now, ...given));
  purge: Store['purge'] = async (...given) => this.#whole((rows, now) => operations.purge(rows, now, ...given));
  note: Store['note'] = async (...given) => this.#write((rows, now) => operations.note(rows, now, ...given));

  adopt: Store['adopt'] = async (...given) => this.#write((rows, now) => operations.adopt(rows, now, ...given));

  subjects: Store['subjects'] = (after, most) => {
    const subjects = [...this.#open().subjects.values()]
      .filter(({ subject }) => after === null || subject > after)
      .sort((a, b) => (a.subject < b.subject ? -1 : 1))
      .slice(0, most);
    return { subjects, after: subjects.length < most ? null : (subjects.at(-1)?.subject ?? null) };
  };

  list(subject: string): { live: SessionRecord[]; ended: SessionEvent[] } {
    const rows = this.#open();
    const from = this.now() - retention;
    return {
      live: rows.liveOf(subject).sort((a, b) => b.createdAt - a.createdAt),
      ended: rows.events
        .map(({ event }) => event)
        .filter((event) => event.subject === subject && isTerminal(event) && event.at >= from)
        .reverse()
        .slice(0, mostEnded),
    };
  }

  page: Store['page'] = (after, most, filter = {}) => {
    const records = [...this.#open().sessions.values()]
      .filter((record) => (after === null || record.id > after) && matches(record, filter))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, most);
    return { records, after: records.length < most ? null : (records.at(-1)?.id ?? null) };
  };

  events: Store['events'] = (after, most) => {
    const rows = this.#open();
    const { forgotten, counters } = rows;
    const at = after === null ? [...forgotten] : decodeCursor(after, { epoch: this.#epoch, forgotten, counters });
    const events = rows.events
      .filter(({ partition, number }) => number > (at[partition] ?? 0))
      .slice(0, most)
      .map(({ partition, number, event }) => {
        at[partition] = number;
        return { event, cursor: encodeCursor({ epoch: this.#epoch, at }) };
      });
    return { events, cursor: encodeCursor({ epoch: this.#epoch, at }) };
  };

  cursor(): string {
    return encodeCursor({ epoch: this.#epoch, at: this.#open().counters });
  }

  beat(known: Mark | null): Beat {
    const { counters, changes } = this.#open();
    const logs = counters.map((counter, partition) => ({
      counter,
      changes: changes[partition]?.filter(({ number }) => number >= (known?.numbers[partition] ?? counter)) ?? [],
    }));
    return beatOf(this.#epoch, known, logs);
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** There is no other process, and a beat costs nothing. */
  listen(): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchers.clear();
  }

  #open(): MemoryRows {
    if (this.#closed) throw new SojournError('store_unavailable', 'The memory store is closed.');
    return this.#rows;
  }

  #whole<T>(operation: (rows: Rows, now: number) => InParts<T>): T {
    return this.#write((rows, now) => whole(operation(rows, now), now));
  }

  #write<T>(operation: (rows: Rows, now: number) => T): T {
    const result = operation(this.#open(), this.now());
    if (this.#watchers.size > 0) {
      queueMicrotask(() => {
        for (const changed of this.#watchers) changed();
      });
    }
    return result;
  }
}

function matches(record: SessionRecord, filter: NonNullable<Parameters<Store['page']>[2]>): boolean {
  const state = stateOf(record);
  return (filter.state ?? state) === state && (filter.kind ?? record.kind) === record.kind;
}

class MemoryRows implements Rows {
  readonly sessions = new Map<string, SessionRecord>();
  readonly #bySubject = new Map<string, Set<string>>();
  readonly subjects = new Map<string, SubjectRecord>();
  readonly counters = Array<number>(partitions).fill(0);
  readonly forgotten = Array<number>(partitions).fill(0);
  readonly changes: Change[][] = Array.from({ length: partitions }, () => []);
  events: NumberedEvent[] = [];
  #anonymous = 0;

  session(id: string): SessionRecord | null {
    return this.sessions.get(id) ?? null;
  }

  insert(record: SessionRecord): void {
    this.sessions.set(record.id, record);
    if (record.subject === null) return;
    const ids = this.#bySubject.get(record.subject) ?? new Set();
    this.#bySubject.set(record.subject, ids.add(record.id));
  }

  replace(record: SessionRecord): void {
    this.sessions.set(record.id, record);
  }

  remove(id: string): void {
    const subject = this.sessions.get(id)?.subject;
    this.sessions.delete(id);
    if (subject) this.#bySubject.get(subject)?.delete(id);
  }

  seen(id: string, at: number): void {
    const record = this.sessions.get(id);
    if (record) this.sessions.set(id, { ...record, lastSeenAt: at });
  }

  liveOf(subject: string): SessionRecord[] {
    return this.#of(subject).filter(({ ending }) => ending === undefined);
  }

  liveIds(subject: string): string[] {
    return this.liveOf(subject).map(({ id }) => id);
  }

  endedIds(subject: string): string[] {
    const ended = this.#of(subject).filter(({ ending }) => ending !== undefined);
    return ended.map(({ id }) => id);
  }

  writtenBy(subject: string, operation: string): SessionRecord[] {
    return this.#of(subject).filter((record) => record.operation === operation);
  }

  #of(subject: string): SessionRecord[] {
    return [...(this.#bySubject.get(subject) ?? [])].flatMap((id) => this.sessions.get(id) ?? []);
  }

  /** Records are kept as they are. */
  unreadable(): null {
    return null;
  }

  bury(): void {}

  defer(): void {}

  due(before: number, most: number): string[] {
    return [...this.sessions.values()]
      .filter((record) => dueAt(record) <= before)
      .slice(0, most)
      .map(({ id }) => id);
  }

  subject(subject: string): SubjectRecord | null {
    return this.subjects.get(subject) ?? null;
  }

  putSubject(record: SubjectRecord): void {
    this.subjects.set(record.subject, record);
  }

  next(partition: number, id: string): number {
    const number = (this.counters[partition] ?? 0) + 1;
    this.counters[partition] = number;
    const changes = this.changes[partition] ?? [];
    changes.push({ number, mark: '', at: 0, id });
    if (changes.length > changesKept) changes.shift();
    return number;
  }

  append(event: NumberedEvent): void {
    this.events.push(event);
  }

  forgetEvents(before: number, most: number): number {
    const old = this.events.filter(({ event }) => event.at < before).slice(0, most);
    for (const { partition, number } of old) this.forgotten[partition] = number;
    const forgotten = new Set(old);
    this.events = this.events.filter((event) => !forgotten.has(event));
    return old.length;
  }

  eraseEvents(subject: string): boolean {
    this.events = this.events.map((numbered) =>
      numbered.event.subject === subject ? { ...numbered, event: erased(numbered.event) } : numbered,
    );
    return false;
  }

  countAnonymous(): number {
    return this.#anonymous;
  }

  addAnonymous(_partition: number, change: 1 | -1): void {
    this.#anonymous += change;
  }
}
