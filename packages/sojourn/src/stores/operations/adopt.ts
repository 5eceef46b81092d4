import { SojournError } from '../../lifecycle/errors.ts';
import { terminalEvent } from '../../lifecycle/events.ts';
import type { Adopted, SubjectRecord, WriteOptions } from '../../lifecycle/ports.ts';
import {
  type Ending,
  isLive,
  liveUntil,
  rememberedUntil,
  type SessionRecord,
  tombstone,
} from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import type { Rows } from '../rows.ts';
import { adoptSubject, refusesSession } from './adopt-subject.ts';
import { addAnonymous, append, staysCounted } from './endings.ts';
import { checkInTime } from './in-time.ts';

/*
 * Records of another engine, as they are there. A record remembers in `adopted` as which write it came:
 * while that is its last write, the other engine's word counts; once it was written here, this one's.
 */

export function adopt(
  rows: Rows,
  now: number,
  records: readonly SessionRecord[],
  subjects: readonly SubjectRecord[],
  { operation, until }: WriteOptions,
): Adopted[] {
  checkInTime(now, until);
  const theirs = new Map(subjects.map((record) => [record.subject, record]));
  // Endings before the subjects, so that each session of one who is disabled ends for its own reason.
  const tombstones = records.flatMap((record) => {
    const { ending } = record;
    return ending === undefined
      ? []
      : [readably(rows, record, (here) => adoptEnded(rows, now, record, ending, here, operation))];
  });
  const ended = subjects.flatMap((record) => adoptSubject(rows, now, record, operation));
  const live = records
    .filter(({ ending }) => ending === undefined)
    .map((record) =>
      readably(rows, record, (here) => {
        const outcome = adoptLive(now, record, here);
        if (outcome.outcome !== 'adopted') return outcome;
        if (refusesSession(rows, record, theirs)) return { ...outcome, outcome: 'refused', why: 'subject_changed' };
        write(rows, here, record);
        return outcome;
      }),
    );
  return [...tombstones, ...ended, ...live];
}

function readably(
  rows: Rows,
  { id, subject }: SessionRecord,
  decide: (here: SessionRecord | null) => Adopted,
): Adopted {
  let here: SessionRecord | null;
  try {
    here = rows.session(id);
  } catch (error) {
    if (error instanceof SojournError) return { id, outcome: 'refused', why: 'unreadable' };
    throw error;
  }
  return here && here.subject !== subject ? { id, outcome: 'refused', why: 'written_here_too' } : decide(here);
}

function adoptLive(now: number, record: SessionRecord, here: SessionRecord | null): Adopted {
  const { id } = record;
  if (here === null) return { id, outcome: isPast(record, now) ? 'past' : 'adopted' };
  if (here.ending) return { id, outcome: 'newer' };
  if (isSame(record, here)) return { id, outcome: record.lastSeenAt > here.lastSeenAt ? 'adopted' : 'unchanged' };
  if (comesAfter(record, here)) return { id, outcome: 'adopted' };
  if (here.adopted === record.operation || here.adopted === here.operation) return { id, outcome: 'newer' };
  return { id, outcome: 'refused', why: 'written_here_too' };
}

/** An ending counts whatever was written here since, but for one by the clock of who was seen here later. */
function adoptEnded(
  rows: Rows,
  now: number,
  record: SessionRecord,
  ending: Ending,
  here: SessionRecord | null,
  operation: string,
): Adopted {
  const { id } = record;
  if (here?.ending) return { id, outcome: 'unchanged' };
  if (here === null) {
    if (isPast(record, now)) return { id, outcome: 'past' };
    write(rows, null, record);
    return { id, outcome: 'adopted' };
  }
  if (ending.by === 'clock' && isLive(here, now)) return { id, outcome: 'newer' };
  const at = Math.max(ending.at, here.lastSeenAt);
  const ended = comesAfter(record, here) ? adopted(record, here) : tombstone(here, { ...ending, at }, operation);
  rows.replace(ended);
  if (!staysCounted(ended)) addAnonymous(rows, here, -1);
  // Told when it happens here: events stand in the order of their times.
  append(rows, { ...terminalEvent(ended), at: now });
  return { id, outcome: 'ended' };
}

/** Nobody would remember it any more, had it ended when its time had run out. */
function isPast(record: SessionRecord, now: number): boolean {
  const ending = record.ending ?? { reason: 'session_expired_idle', at: liveUntil(record), by: 'clock' };
  return now >= rememberedUntil(record, ending);
}

/** The two phases of a sign-in over two partitions are one write and differ in the idle limit. */
function isSame(record: SessionRecord, here: SessionRecord): boolean {
  return (
    record.operation === here.operation && record.version === here.version && record.idleTimeout === here.idleTimeout
  );
}

/** Nothing was written here since it came from there, or it went there from here as it still is. */
function comesAfter(record: SessionRecord, here: SessionRecord): boolean {
  const followed = here.adopted === here.operation || record.adopted === here.operation;
  return followed && record.version >= here.version;
}

function adopted(record: SessionRecord, here: SessionRecord | null): SessionRecord {
  const lastSeenAt = Math.max(record.lastSeenAt, here?.lastSeenAt ?? 0);
  return { ...record, lastSeenAt, adopted: record.operation };
}

function write(rows: Rows, here: SessionRecord | null, record: SessionRecord): void {
  if (here) rows.replace(adopted(record, here));
  else {
    rows.insert(adopted(record, null));
    if (record.ending === undefined || staysCounted(record)) addAnonymous(rows, record, 1);
  }
  rows.next(partitionOf(record.id), record.id);
}
