import type { Page, Store, SubjectRecord, Touch } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import type { NumberedEvent, Unreadable } from '../rows.ts';

/*
 * Engines that are reached over a network decide nothing themselves. Every write is three steps: load
 * what the operation must see, decide here (`operations.ts`, the same for every engine), and commit in
 * one atomic step, if nothing that the decision rests on has changed. Else it is decided again.
 */

/** What an operation must see before it decides. */
export interface Wanted {
  readonly ids?: readonly string[];
  /** The subject's own record and its live sessions. */
  readonly subject?: string | undefined;
  /** Also the subject's tombstones. */
  readonly tombstones?: true;
  /** The records of the subjects that `ids` belong to. */
  readonly owners?: true;
  /** How many visitors' records there are; one is about to be added if there are fewer than this. */
  readonly anonymous?: number;
  /** Up to so many that are due for the sweep, claimed so that no other process sweeps the same. */
  readonly due?: number;
}

/** A subject's record as it was read. `stamp` changes with it and with each session that begins. */
export interface StampedSubject {
  readonly record: SubjectRecord | null;
  readonly stamp: number;
}

export interface Loaded {
  /** The engine's time. */
  readonly now: number;
  readonly sessions: readonly SessionRecord[];
  readonly subjects: ReadonlyMap<string, StampedSubject>;
  readonly anonymous: number;
  readonly due: readonly string[];
  /** More is due than was claimed. */
  readonly more: boolean;
  readonly unreadable: readonly UnreadableRow[];
}

/** A row that this release cannot read, with what guards a write to it. */
export interface UnreadableRow extends Unreadable, Guard {
  readonly subject: string | null;
}

/** A session as the decision saw it; `null`: it was not there. */
export interface Guard {
  readonly id: string;
  readonly version: number | null;
  readonly lastSeenAt: number | null;
  /** How its text begins, on an engine that cannot tell the numbers of one that cannot be read. */
  readonly head?: string;
}

/** What a decision changes, and what it rests on. */
export interface Stage {
  readonly now: number;
  /** The decision holds only before this time: some session was judged alive that dies then, or nobody waits for it then. */
  readonly before: number;
  readonly guards: readonly Guard[];
  /** The subject that was read, if any. */
  readonly subject: {
    readonly subject: string;
    readonly stamp: number;
    /** What to write; `null`: nothing but, where a session begins, the next stamp. */
    readonly put: SubjectRecord | null;
    /** What it says from now on. */
    readonly record: SubjectRecord | null;
    /** What it said. */
    readonly was: SubjectRecord | null;
  } | null;
  readonly insert: readonly SessionRecord[];
  readonly replace: readonly SessionRecord[];
  /** Those of `replace` whose data is as it was found. */
  readonly sameData: ReadonlySet<string>;
  readonly remove: readonly string[];
  /** Rows to end by their columns alone, and until when each is remembered. */
  readonly bury: ReadonlyMap<string, number>;
  /** When the sweep is to look at rows again. */
  readonly defer: ReadonlyMap<string, number>;
  /** Whose they were. */
  readonly removed: ReadonlyMap<string, string | null>;
  /** A session begins: whoever has read the subject's list decides again. */
  readonly begins: boolean;
  /** By partition: the session that each number it takes is about, and how its visitors' count changes. */
  readonly counts: ReadonlyMap<number, { readonly changed: readonly string[]; readonly anonymous: number }>;
  /** This write's own, beside each of its numbers. */
  readonly mark: string;
  /** Numbered from 1 in each partition; the engine adds the partition's counter. */
  readonly events: readonly NumberedEvent[];
  /** Refuse when there are as many visitors' records already, where the engine can count them as it writes. */
  readonly mostAnonymous: number;
  /** Erase this subject from the events there are. */
  readonly erase: string | null;
}

/** One networked engine. Reads are the store port's own; each call is one trip. */
export interface Engine
  extends Pick<
    Store,
    'name' | 'now' | 'list' | 'page' | 'subjects' | 'events' | 'cursor' | 'beat' | 'watch' | 'listen' | 'close'
  > {
  find(id: string, tx?: unknown): Promise<SessionRecord | null>;
  subject(subject: string): Promise<SubjectRecord>;
  page(...given: Parameters<Store['page']>): Promise<Page>;
  load(wanted: Wanted): Promise<Loaded>;
  /** `false`: something changed since it was loaded, and nothing was written. Nobody waits for it from `until` on. */
  commit(stage: Stage, until?: number): Promise<boolean>;
  /** Decisions about one partition that do not touch one another, each for itself, in as few trips as there can be. */
  commitEach(stages: readonly Stage[]): Promise<readonly boolean[]>;
  touch(touches: readonly Touch[]): Promise<void>;
  /** Removes events before a time, remembering that there were; answers about how many. */
  forget(before: number, most: number): Promise<number>;
}
