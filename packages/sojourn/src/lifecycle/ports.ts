import type { Adopted } from './adopted.ts';
import type { Code, EndingReason } from './errors.ts';
import type { SessionEvent } from './events.ts';
import type { NewSession, SessionRecord } from './session.ts';

export type { Clock, Hash, Random } from './machine.ts';
export type { Adopted };

/** What the embedded engines answer at once and the others later. */
export type MaybePromise<T> = T | Promise<T>;

/** A subject's own small record. Raised by everything that a sign-in in flight must not outrun. */
export interface SubjectRecord {
  readonly subject: string;
  readonly changedAt: number;
  readonly disabled: boolean;
  /** Data of a session that ended with `rotation_lost`, for the next sign-in. */
  readonly kept?: { readonly id: string; readonly data: string; readonly until: number } | undefined;
}

/** A session that was seen at a time. */
export interface Touch {
  readonly id: string;
  readonly seenAt: number;
}

/** Something to record about a session that does not change it. */
export interface Notice {
  readonly id: string;
  readonly code: Code | 'secret_mismatch';
  readonly count: number;
}

/** The fields an update may set; `undefined` removes. */
export type Change = {
  [Field in
    | 'subject'
    | 'permissions'
    | 'grants'
    | 'factors'
    | 'rotatedAt'
    | 'secretHash'
    | 'generation'
    | 'successor'
    | 'retired'
    | 'suspectAt'
    | 'formKey'
    | 'device'
    | 'data']?: SessionRecord[Field] | undefined;
};

/** How long whoever asks for a write waits for its answer. */
export interface Asked {
  /** The engine's time from which on it is not to be done any more: who asked was told that nobody knows. */
  readonly until?: number;
}

/** What a write carries besides its content. */
export interface WriteOptions extends Asked {
  /** Id of this write; a write repeated with the same id is done once and answers alike. */
  readonly operation: string;
}

export interface CreateOptions extends WriteOptions {
  /** Refused as `subject_changed` when the subject was changed at or after this time, or is disabled. */
  readonly checkedAt: number;
  readonly limit: { readonly most: number; readonly over: 'refuse' | 'end-oldest' | 'end-idlest' };
  /** The policy's limits by kind: what is dead under them does not count, though its record allows more. */
  readonly kinds: Readonly<Record<string, { readonly idle: number; readonly absolute: number }>>;
  /** The most live anonymous sessions in the store. */
  readonly mostAnonymous: number;
  /** The session that this one takes the place of, at the version whose data was handed over. */
  readonly replaces?: { readonly id: string; readonly version: number };
  /** The kept data that was handed over: `SubjectRecord.kept.id`, `null` when there was none; absent: leave it. */
  readonly kept?: string | null;
}

export type Created =
  | { readonly outcome: 'created'; readonly record: SessionRecord; readonly ended: readonly SessionRecord[] }
  /** The replaced session or the kept data is no longer what was handed over: look again. */
  | { readonly outcome: 'conflict' }
  /** The session to replace has ended: `record` is its tombstone, `null` when nothing is known of it. */
  | { readonly outcome: 'gone'; readonly record: SessionRecord | null }
  | { readonly outcome: 'subject_changed' }
  | { readonly outcome: 'limit_reached' }
  | { readonly outcome: 'anonymous_full' };

export interface UpdateOptions extends WriteOptions {
  /** When the request that writes was admitted: counts as a touch, so a write never outruns its own visit. */
  readonly seenAt: number;
  readonly events: readonly UpdateEvent[];
}

/** An event an update causes; the engine stamps its time. */
export type UpdateEvent = Pick<SessionEvent, 'type' | 'permissions' | 'code'>;

export type Updated =
  | { readonly outcome: 'updated'; readonly record: SessionRecord }
  | { readonly outcome: 'conflict' }
  /** Ended, dead by the clock, or unknown. */
  | { readonly outcome: 'gone' };

export interface EndOptions extends WriteOptions {
  readonly reason: EndingReason;
  readonly by: string;
  /** End it only if it is dead by the clock under these limits or its own, whichever is shorter. */
  readonly ifExpired?: { readonly idleTimeout: number; readonly lifetime: number };
  /** Keep the session's data with the subject for the next sign-in. */
  readonly keepData?: boolean;
  /** An event that goes before the terminal one. */
  readonly verdict?: 'reuse_detected';
}

/** `ended` is true for the one call that ended it; `record.ending` is absent only where `ifExpired` found it alive. */
export interface Ended {
  readonly ended: boolean;
  readonly record: SessionRecord;
}

export interface EndAllOptions extends WriteOptions {
  readonly reason: EndingReason;
  readonly by: string;
  /** A session that stays; `all`: none ends, and the subject's `changedAt` is raised. */
  readonly except?: string;
  /** Refuse every sign-in of the subject from now on. */
  readonly disable?: boolean;
}

export interface Page {
  readonly records: readonly SessionRecord[];
  /** Where the next page begins; `null` at the end. */
  readonly after: string | null;
}

export interface SubjectsPage {
  readonly subjects: readonly SubjectRecord[];
  /** Where the next page begins; `null` at the end. */
  readonly after: string | null;
}

export interface EventsPage {
  readonly events: readonly { readonly event: SessionEvent; readonly cursor: string }[];
  /** Where the next page begins, also when this one is empty. */
  readonly cursor: string;
}

/** How far a process has followed the changes of each partition. Only an engine reads it. */
export interface Mark {
  readonly epoch: string;
  readonly numbers: readonly number[];
  /** Of the change that each number was taken for. */
  readonly marks: readonly string[];
}

/** What had changed when an engine was asked, counted from the mark it was given. */
export interface Beat {
  readonly mark: Mark;
  /** Ids, a session once for each change, and the engine's time of it; 0 where nobody asks. */
  readonly changed: readonly { readonly id: string; readonly at: number }[];
  /** Partitions of which it cannot be told: forget everything about them. */
  readonly lost: readonly number[];
  /** Partitions whose primary did not answer: nothing is proved about them. */
  readonly unproved: readonly number[];
}

/** One lap of the sweep; of what ended only the handles, for a lap ends many. `more`: another lap would find more to do. */
export interface Swept {
  readonly expired: readonly Pick<SessionRecord, 'id' | 'ending'>[];
  readonly removed: number;
  /** Ids of records that cannot be read. They are looked at again a day later. */
  readonly unreadable: readonly string[];
  readonly more: boolean;
}

/** A live record as a process remembers it. */
export interface Remembered {
  readonly record: SessionRecord;
  /** What has been found of it, see `rest.ts`; 0 while nothing has. */
  restsUntil: number;
}

/** What a process remembers of sessions, as far as it is proved that they have not changed. */
export interface Near {
  /** `null`: ask the store. */
  get(id: string): Remembered | null;
  /** A look-up went to the store in spite of what is remembered. */
  bypassed(why: 'fresh' | 'verdict'): void;
}

/** Something that an engine, as it is set up, cannot promise. */
export interface StoreWarning {
  readonly code: 'min_replicas_unset' | 'events_kept';
  /** With the fix. */
  readonly message: string;
}

/**
 * Where sessions are kept. Each operation is atomic with the events it causes and with the index by
 * subject. *Absent* is a value (`null`, `gone`, an empty list); *unknown* is a thrown
 * `store_unavailable`. A store knows hashes, never tokens. Its time is the engine's.
 */
export interface Store {
  /** Shown in messages: `memory`, `sqlite`. */
  readonly name: string;
  /** Where the engine lives, and so what its answers cost: nothing, a system call, a trip. */
  readonly distance: 'process' | 'machine' | 'network';
  /** What the engine cannot promise as it was found set up; `createSessions` tells the log. */
  readonly warnings?: readonly StoreWarning[];
  /** The engine's time as this process knows it. */
  now(): number;
  /**
   * The record, live or ended; `null` when nothing is known of the id. With `tx`, a transaction of the application's
   * own in the same database, the session cannot change until that ends; `option_invalid` where there is no such thing.
   */
  find(id: string, tx?: unknown): MaybePromise<SessionRecord | null>;
  /** A subject without a record of its own has `changedAt` 0. */
  subject(subject: string): MaybePromise<SubjectRecord>;
  create(session: NewSession, options: CreateOptions): Promise<Created>;
  /** Conditional on the version and on being live. */
  update(id: string, version: number, change: Change, options: UpdateOptions): Promise<Updated>;
  /** Forward only, live sessions only; others are passed over. Leaves the version alone. Late is as good as in time. */
  touch(touches: readonly Touch[]): Promise<void>;
  /** `null` when nothing is known of the id. Ending an ended session changes nothing. */
  end(id: string, options: EndOptions): Promise<Ended | null>;
  /**
   * Also raises the subject's `changedAt`. Answers the tombstones it made; repeated where it made none, it is done
   * again. On a network very many sessions end in several steps, after the subject's own; answered when all have.
   */
  endAll(subject: string, options: EndAllOptions): Promise<readonly SessionRecord[]>;
  /** Lets a disabled subject sign in again. */
  enable(subject: string, options: WriteOptions): Promise<void>;
  /**
   * Of all the subject's live sessions: what is taken away bites now, what is given waits as `grants`. A
   * repeated one counts again what was not written since, and sets what has begun since, too.
   */
  setPermissions(subject: string, permissions: readonly string[], options: WriteOptions): Promise<number>;
  /** Live sessions, newest first, and the terminal events of the last 28 days, newest first, 500 at most. */
  list(subject: string): MaybePromise<{
    readonly live: readonly SessionRecord[];
    readonly ended: readonly SessionEvent[];
  }>;
  /** All records in the order of their ids; `state` and `kind` narrow. */
  page(
    after: string | null,
    most: number,
    filter?: { readonly state?: 'anonymous' | 'signed-in' | 'ended'; readonly kind?: string },
  ): MaybePromise<Page>;
  /** Ends what is dead by the clock, removes tombstones past their limit and events past the retention. */
  sweep(most: number, asked?: Asked): Promise<Swept>;
  /**
   * Ends the subject's sessions and erases its tombstones, kept data and details in events. It leaves nothing by
   * which a repeated one would know itself: that is done again.
   */
  purge(subject: string, options: WriteOptions): Promise<readonly SessionRecord[]>;
  /** The subjects that have a record of their own, in an order of the engine's. */
  subjects(after: string | null, most: number): MaybePromise<SubjectsPage>;
  /**
   * Takes over records of another engine as they are, a subject at a time in one step. Inserts what is
   * absent and replaces what was not written here since it came; an ending ends, and nothing revives it.
   * `subjects`: those of the sessions, and any others. Who is disabled loses the sessions that are here.
   */
  adopt(
    sessions: readonly SessionRecord[],
    subjects: readonly SubjectRecord[],
    options: WriteOptions,
  ): Promise<readonly Adopted[]>;
  /** Records notices as events; repeated, it records them again. */
  note(notices: readonly Notice[], asked?: Asked): Promise<void>;
  /** Events after a cursor, oldest first within a partition; from the oldest kept when `null`. `cursor_lost` rather than a gap. */
  events(after: string | null, most: number): MaybePromise<EventsPage>;
  /** The cursor of this moment. */
  cursor(): MaybePromise<string>;
  /**
   * What has changed since a mark; `null`: since nothing that is known. On a network it is itself a write on
   * each partition's primary: one that was cut off still answers reads, but takes no writes.
   */
  beat(known: Mark | null): MaybePromise<Beat>;
  /** Calls back soon after anything was written, by any process; calls may be merged. The answer stops it. */
  watch(changed: () => void): () => void;
  /** Calls back with sessions that any process has just changed: a short cut for who beats, which may miss some. The answer stops it. */
  listen(changed: (changes: Beat['changed']) => void): () => void;
  close(): Promise<void>;
}
