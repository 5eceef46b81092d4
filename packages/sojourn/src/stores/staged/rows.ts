import { randomBytes } from 'node:crypto';
import { SojournError } from '../../lifecycle/errors.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import { isLive, liveUntil, type SessionRecord } from '../../lifecycle/session.ts';
import { erased, type NumberedEvent, type Rows } from '../rows.ts';
import type { Guard, Loaded, Stage, UnreadableRow } from './engine.ts';

/** What was loaded, and over it what the operation has changed so far: nothing leaves before the commit. */
export class StagedRows implements Rows {
  readonly #loaded: Loaded;
  readonly #found: ReadonlyMap<string, SessionRecord>;
  readonly #unreadable: ReadonlyMap<string, UnreadableRow>;
  readonly #bury = new Map<string, number>();
  readonly #defer = new Map<string, number>();
  readonly #now = new Map<string, SessionRecord | null>();
  readonly #read = new Set<string>();
  readonly #inserted = new Set<string>();
  readonly #counts = new Map<number, { changed: string[]; anonymous: number }>();
  #events: NumberedEvent[] = [];
  #subject: string | null = null;
  #put: SubjectRecord | null = null;
  #erase: string | null = null;
  #mostAnonymous = Number.POSITIVE_INFINITY;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    this.#found = new Map(loaded.sessions.map((record) => [record.id, record]));
    this.#unreadable = new Map(loaded.unreadable.map((row) => [row.id, row]));
  }

  session(id: string): SessionRecord | null {
    this.#read.add(id);
    if (this.#unreadable.has(id)) {
      throw new SojournError('store_unavailable', `The record of session ${id} cannot be read.`, { sessionId: id });
    }
    return this.#present(id);
  }

  #present(id: string): SessionRecord | null {
    const staged = this.#now.get(id);
    return staged === undefined ? (this.#found.get(id) ?? null) : staged;
  }

  insert(record: SessionRecord): void {
    this.#read.add(record.id);
    this.#inserted.add(record.id);
    this.#now.set(record.id, record);
    this.#subject ??= record.subject;
  }

  replace(record: SessionRecord): void {
    this.#read.add(record.id);
    this.#now.set(record.id, record);
  }

  remove(id: string): void {
    this.#read.add(id);
    this.#now.set(id, null);
  }

  unreadable(id: string): UnreadableRow | null {
    return this.#unreadable.get(id) ?? null;
  }

  bury(id: string, until: number): void {
    this.#read.add(id);
    this.#bury.set(id, until);
  }

  defer(id: string, until: number): void {
    this.#defer.set(id, until);
  }

  /** Touches do not come this way: no engine needs them decided here. */
  seen(id: string): never {
    throw new TypeError(`session ${id} is touched by the engine itself`);
  }

  liveOf(subject: string): SessionRecord[] {
    return this.#of(subject).filter(({ ending }) => ending === undefined);
  }

  liveIds(subject: string): string[] {
    const unreadable = this.#loaded.unreadable.filter((row) => row.subject === subject && !row.ended);
    return [...this.liveOf(subject), ...unreadable].map(({ id }) => id);
  }

  endedIds(subject: string): string[] {
    const ended = this.#of(subject).filter(({ ending }) => ending !== undefined);
    const unreadable = this.#loaded.unreadable.filter(
      (row) => row.subject === subject && (row.ended || this.#bury.has(row.id)),
    );
    return [...ended, ...unreadable].map(({ id }) => id);
  }

  writtenBy(subject: string, operation: string): SessionRecord[] {
    return this.#of(subject).filter((record) => record.operation === operation);
  }

  #of(subject: string): SessionRecord[] {
    this.#subject = subject;
    const ids = new Set([...this.#found.keys(), ...this.#inserted]);
    const records = [...ids].map((id) => this.#present(id)).filter((record) => record !== null);
    return records.filter((record) => record.subject === subject);
  }

  /** More is due for the sweep than was claimed. */
  get more(): boolean {
    return this.#loaded.more;
  }

  due(): string[] {
    return [...this.#loaded.due];
  }

  subject(subject: string): SubjectRecord | null {
    this.#subject = subject;
    return this.#put ?? this.#loaded.subjects.get(subject)?.record ?? null;
  }

  putSubject(record: SubjectRecord): void {
    this.#subject = record.subject;
    this.#put = record;
  }

  next(partition: number, id: string): number {
    return this.#countsOf(partition).changed.push(id);
  }

  append(event: NumberedEvent): void {
    this.#events.push(event);
  }

  /** The engine forgets by itself, apart from any decision. */
  forgetEvents(): number {
    return 0;
  }

  eraseEvents(subject: string): boolean {
    this.#erase = subject;
    this.#events = this.#events.map((numbered) =>
      numbered.event.subject === subject ? { ...numbered, event: erased(numbered.event) } : numbered,
    );
    return false;
  }

  countAnonymous(): number {
    return this.#loaded.anonymous;
  }

  addAnonymous(partition: number, change: 1 | -1): void {
    this.#countsOf(partition).anonymous += change;
  }

  /**
   * The bound that was looked at. PostgreSQL looks again in the step that writes, but takes no lock for it, and
   * Redis counts at the reading: as many as are made at one moment may pass it.
   */
  boundAnonymous(most: number): void {
    this.#mostAnonymous = most;
  }

  #countsOf(partition: number): { changed: string[]; anonymous: number } {
    const known = this.#counts.get(partition) ?? { changed: [], anonymous: 0 };
    this.#counts.set(partition, known);
    return known;
  }

  /** Of the sessions that were there, those that have been changed and are still there. */
  replaced(): SessionRecord[] {
    const there = [...this.#now.values()].filter((record) => record !== null);
    return there.filter(({ id }) => !this.#inserted.has(id));
  }

  /** What is to be committed, `null` when nothing was changed. */
  stage(): Stage | null {
    const changes = this.#now.size + this.#bury.size + this.#defer.size + this.#events.length;
    if (changes === 0 && this.#put === null && this.#erase === null) return null;
    const written = [...this.#now.values()].filter((record) => record !== null);
    const subject = this.#subject;
    return {
      now: this.#loaded.now,
      before: Math.min(
        ...written
          .filter((record) => isLive(record, this.#loaded.now) && !this.#inserted.has(record.id))
          .map((record) => liveUntil(record)),
      ),
      guards: [...this.#read].map((id) => this.#guard(id)),
      subject: subject === null ? null : this.#stampedSubject(subject),
      insert: written.filter(({ id }) => this.#inserted.has(id)),
      replace: this.replaced(),
      sameData: new Set(this.replaced().flatMap(({ id, data }) => (this.#found.get(id)?.data === data ? [id] : []))),
      remove: [...this.#now].filter(([, record]) => record === null).map(([id]) => id),
      removed: new Map([...this.#found, ...this.#unreadable].map(([id, { subject }]) => [id, subject])),
      bury: this.#bury,
      defer: this.#defer,
      begins: written.some(({ id, subject: whose }) => whose !== null && this.#inserted.has(id)),
      counts: this.#counts,
      mark: randomBytes(6).toString('base64url'),
      events: this.#events,
      mostAnonymous: this.#mostAnonymous,
      erase: this.#erase,
    };
  }

  #stampedSubject(subject: string): Stage['subject'] {
    const { stamp = 0, record = null } = this.#loaded.subjects.get(subject) ?? {};
    return { subject, stamp, put: this.#put, record: this.#put ?? record, was: record };
  }

  #guard(id: string): Guard {
    const { version = null, lastSeenAt = null } = this.#found.get(id) ?? this.#unreadable.get(id) ?? {};
    const head = this.#unreadable.get(id)?.head;
    return { id, version, lastSeenAt, ...(head === undefined ? {} : { head }) };
  }
}
