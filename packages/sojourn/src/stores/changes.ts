import type { Beat, Mark } from '../lifecycle/ports.ts';
import { partitions } from '../lifecycle/token.ts';

/**
 * How many of a partition's latest changes every engine can name. A process that looks four times a second falls
 * behind further only when one partition changes 4,000 times a second, and the sessions of one subject, 1,000 by
 * default, cannot all at once push out what others' caches have to be told.
 */
export const changesKept = 1024;

/** That a number of a partition's counter was about this session; `mark` is the write's own. */
export interface Change {
  readonly number: number;
  readonly mark: string;
  /** The engine's time; 0 where nobody asks. */
  readonly at: number;
  /** Empty where the number was taken for something else. */
  readonly id: string;
}

/** A partition's counter, and what is known of the numbers from the last known one on, that one included. */
export interface ChangesSince {
  readonly counter: number;
  readonly changes: readonly Change[];
}

/** Where in a ring of the latest changes a number stands. */
export function slotOf(number: number): number {
  return number % changesKept;
}

/**
 * What has changed since a mark. A counter alone does not tell of a primary that took over without the
 * last writes of its predecessor and has counted on since: the last known change must still be the same
 * (as Raft matches logs). `null`: the partition's primary did not answer.
 */
export function beatOf(epoch: string, known: Mark | null, logs: readonly (ChangesSince | null)[]): Beat {
  const before = known?.epoch === epoch ? known : null;
  const places: Place[] = [];
  const changed: Change[] = [];
  const lost: number[] = [];
  const unproved: number[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const log = logs[partition] ?? null;
    const from = placeOf(before, partition);
    if (log === null) unproved.push(partition);
    const since = log && from && changesAfter(log, from);
    if (since) changed.push(...since);
    else if (log) lost.push(partition);
    places.push(log ? { number: log.counter, mark: markAt(log, log.counter) } : (from ?? { number: 0, mark: '' }));
  }
  const numbers = places.map(({ number }) => number);
  const marks = places.map(({ mark }) => mark);
  return { mark: { epoch, numbers, marks }, changed: changed.filter(({ id }) => id !== ''), lost, unproved };
}

type Place = Pick<Change, 'number' | 'mark'>;

function placeOf(mark: Mark | null, partition: number): Place | null {
  const number = mark?.numbers[partition];
  return number === undefined ? null : { number, mark: mark?.marks[partition] ?? '' };
}

/** All of them, or `null` where one is missing or the place is one of another history. */
function changesAfter(log: ChangesSince, { number: from, mark }: Place): readonly Change[] | null {
  const since = log.changes.filter(({ number }) => number > from);
  return since.length === log.counter - from && markAt(log, from) === mark ? since : null;
}

function markAt({ changes }: ChangesSince, number: number): string {
  return changes.find((change) => change.number === number)?.mark ?? '';
}
