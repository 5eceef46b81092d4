import { invalid } from '../lifecycle/errors.ts';
import type { SessionEvent } from '../lifecycle/events.ts';
import type { SubjectRecord } from '../lifecycle/ports.ts';
import { liveUntil, rememberedUntil, type SessionRecord } from '../lifecycle/session.ts';

/** How long events are kept. */
export const retention: number = 28 * 86_400_000;

/** How many endings a subject's list shows at most, newest first. */
export const mostEnded = 500;

export interface NumberedEvent {
  readonly partition: number;
  readonly number: number;
  readonly event: SessionEvent;
}

/**
 * What an embedded engine keeps, read and written one row at a time inside one operation. The engine
 * makes the operation, or a part of it, atomic; `operations.ts` says what it does.
 */
export interface Rows {
  session(id: string): SessionRecord | null;
  insert(record: SessionRecord): void;
  replace(record: SessionRecord): void;
  remove(id: string): void;
  /** Moves last seen forward and nothing else. */
  seen(id: string, at: number): void;
  /** Not ended, in any order. */
  liveOf(subject: string): SessionRecord[];
  /** Of a subject's rows that have not ended, also those that cannot be read. */
  liveIds(subject: string): readonly string[];
  /** Of those that have. */
  endedIds(subject: string): readonly string[];
  /** A subject's records whose last write this was. */
  writtenBy(subject: string, operation: string): readonly SessionRecord[];
  /** A row that this release cannot read: corrupt, or of a newer one. The list passes over it. `null`: there is none, or it can be. */
  unreadable(id: string): Unreadable | null;
  /** Ends a row that cannot be read, whatever it says. */
  bury(id: string, until: number): void;
  /** Lets the sweep look at a row again later, and no sooner. */
  defer(id: string, until: number): void;
  /** Ids due for the sweep: live ones whose limit may have passed, tombstones past theirs. Earliest first. */
  due(before: number, most: number): string[];
  subject(subject: string): SubjectRecord | null;
  putSubject(record: SubjectRecord): void;
  /** Raises a partition's counter for a change of this session and answers it. */
  next(partition: number, id: string): number;
  append(event: NumberedEvent): void;
  /** Removes up to `most` events older than `before` and remembers that they were; answers how many. */
  forgetEvents(before: number, most: number): number;
  /** Erases who up to `most` events are about and where they were; whether there may be more. */
  eraseEvents(subject: string, most: number): boolean;
  countAnonymous(): number;
  addAnonymous(partition: number, change: 1 | -1): void;
}

/** What the columns tell of a row that cannot be read. */
export interface Unreadable {
  readonly id: string;
  readonly kind: string;
  readonly ended: boolean;
}

/** For engines in which an application has no transactions of its own. */
export function refuseTransaction(name: string, tx: unknown): void {
  if (tx !== undefined) throw invalid(`assertLive({ tx }): ${name} shares no transaction with you; postgres does.`);
}

/** When the sweep must look at a record: at a live one when it may have died, at a tombstone when it need not be kept. */
export function dueAt(record: SessionRecord): number {
  return record.ending ? rememberedUntil(record, record.ending) : liveUntil(record);
}

/** An event that no longer tells who it was about. */
export function erased({ device, actor, by, ...event }: SessionEvent): SessionEvent {
  return { ...event, subject: null };
}

/** The same of its text; `null` where that cannot be read: it may tell anything, so it goes whole. */
export function erasedText(text: string): string | null {
  const event = readableEvent(text);
  return event === null ? null : JSON.stringify(erased(event));
}

/** What an event's text says. One that cannot be read says so in its place: whoever follows them is told, and not stopped. */
export function eventIn(text: string): SessionEvent {
  return readableEvent(text) ?? unreadableEvent;
}

export const unreadableEvent: SessionEvent = {
  type: 'noticed',
  code: 'event_unreadable',
  at: 0,
  sessionId: '',
  subject: null,
  kind: '',
};

/** `null` where it cannot be read. */
export function readableEvent(text: string): SessionEvent | null {
  const value = parsed(text);
  return isEvent(value) ? value : null;
}

function isEvent(value: unknown): value is SessionEvent {
  return (
    isObject(value) &&
    typeof value['type'] === 'string' &&
    typeof value['sessionId'] === 'string' &&
    typeof value['at'] === 'number'
  );
}

/** What is kept for a subject's next sign-in. Where it cannot be read it is lost: nobody could sign in as them again. */
export function keptIn(text: string): SubjectRecord['kept'] {
  const value = parsed(text);
  return isKept(value) ? value : undefined;
}

function isKept(value: unknown): value is NonNullable<SubjectRecord['kept']> {
  return (
    isObject(value) &&
    typeof value['id'] === 'string' &&
    typeof value['until'] === 'number' &&
    typeof value['data'] === 'string' &&
    isObject(parsed(value['data']))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined` for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What the engine's `page` filters by. */
export function stateOf(record: SessionRecord): 'anonymous' | 'signed-in' | 'ended' {
  if (record.ending) return 'ended';
  return record.subject === null ? 'anonymous' : 'signed-in';
}
