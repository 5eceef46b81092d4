import { terminalEvent } from '../../lifecycle/events.ts';
import { type SessionRecord, tombstone } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import type { Stage } from '../staged/engine.ts';
import type { Keys } from './keys.ts';

/*
 * In a cluster a script reaches one partition. A decision reaches two only where a session takes the
 * place of one in another partition: a visitor signs in, or an impersonation begins or ends.
 */

/** The partitions that a decision touches. */
export function partitionsOf(stage: Stage, keys: Keys): number[] {
  const ids = [...stage.guards.map(({ id }) => id), ...stage.remove, ...stage.bury.keys(), ...stage.defer.keys()];
  const subjects = stage.subject ? [keys.partitionOfSubject(stage.subject.subject)] : [];
  return [...new Set([...ids.map(partitionOf), ...stage.counts.keys(), ...subjects])];
}

/** What a decision does in one partition. */
export function partIn(partition: number, stage: Stage, keys: Keys): Stage {
  const here = (id: string): boolean => partitionOf(id) === partition;
  const own = <T>(map: ReadonlyMap<string, T>): Map<string, T> => new Map([...map].filter(([id]) => here(id)));
  const { subject } = stage;
  return {
    ...stage,
    guards: stage.guards.filter(({ id }) => here(id)),
    subject: subject && keys.partitionOfSubject(subject.subject) === partition ? subject : null,
    insert: stage.insert.filter(({ id }) => here(id)),
    replace: stage.replace.filter(({ id }) => here(id)),
    remove: stage.remove.filter(here),
    bury: own(stage.bury),
    defer: own(stage.defer),
    begins: stage.begins && stage.insert.some(({ id }) => here(id)),
    counts: new Map([...stage.counts].filter(([one]) => one === partition)),
    events: stage.events.filter((event) => event.partition === partition),
  };
}

/** Unseen it lives so long: should its maker die before the old session has ended, nobody misses it. */
const unseenFor = 120_000;

export function provisional(stage: Stage): Stage {
  const shortened = (record: SessionRecord): SessionRecord => ({
    ...record,
    idleTimeout: Math.min(record.idleTimeout, unseenFor),
  });
  return { ...stage, insert: stage.insert.map(shortened) };
}

/** Of what was made provisionally: the same for good. */
export function confirmed(stage: Stage): Stage {
  return { ...secondWrite(stage), replace: stage.insert };
}

/** Of what was made provisionally, when the old session was no longer as it had been read: its end. */
export function withdrawn(stage: Stage): Stage {
  const ended = stage.insert.map((record) =>
    tombstone(record, { reason: 'revoked', at: stage.now, by: 'system' }, record.operation),
  );
  return {
    ...secondWrite(stage),
    replace: ended,
    counts: new Map(ended.map(({ id }) => [partitionOf(id), { changed: [id], anonymous: 0 }])),
    events: ended.map((record) => ({ partition: partitionOf(record.id), number: 1, event: terminalEvent(record) })),
  };
}

/** A second write, on the sessions that the first has made. */
function secondWrite(stage: Stage): Stage {
  return {
    ...stage,
    // Begun in time, it is brought to its end.
    before: Number.POSITIVE_INFINITY,
    guards: stage.insert.map(({ id, version, lastSeenAt }) => ({ id, version, lastSeenAt })),
    subject: null,
    insert: [],
    replace: [],
    sameData: new Set(),
    remove: [],
    bury: new Map(),
    defer: new Map(),
    begins: false,
    counts: new Map(),
    events: [],
    mostAnonymous: Number.POSITIVE_INFINITY,
    erase: null,
  };
}
