import { partitionOf } from '../../lifecycle/token.ts';
import { partitionOfSubject } from '../partition.ts';
import type { Stage } from '../staged/engine.ts';
import { ofSessions } from '../staged/split.ts';

/*
 * In a cluster a script reaches one partition. A decision reaches two only where a session takes the
 * place of one in another partition: a visitor signs in, or an impersonation begins or ends.
 */

/** The partitions that a decision touches. */
export function partitionsOf(stage: Stage): number[] {
  const ids = [...stage.guards.map(({ id }) => id), ...stage.remove, ...stage.bury.keys(), ...stage.defer.keys()];
  const subjects = stage.subject ? [partitionOfSubject(stage.subject.subject)] : [];
  return [...new Set([...ids.map(partitionOf), ...stage.counts.keys(), ...subjects])];
}

/** What a decision does in one partition. */
export function partIn(partition: number, stage: Stage): Stage {
  const here = (id: string): boolean => partitionOf(id) === partition;
  const { subject } = stage;
  return {
    ...stage,
    ...ofSessions(stage, here),
    subject: subject && partitionOfSubject(subject.subject) === partition ? subject : null,
    begins: stage.begins && stage.insert.some(({ id }) => here(id)),
    counts: new Map([...stage.counts].filter(([one]) => one === partition)),
    events: stage.events.filter((event) => event.partition === partition),
  };
}
