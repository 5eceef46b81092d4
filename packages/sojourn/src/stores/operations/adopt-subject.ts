import type { Adopted, SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import type { Rows } from '../rows.ts';
import { ending, endOne } from './endings.ts';
import { buryUnreadable } from './readable.ts';
import { keptNow, subjectOf } from './subjects.ts';

/**
 * Of two records of a subject the later change counts; of the same change, the other engine's, which
 * is the one in use until the move is over. Answers the sessions here that end because it is disabled.
 */
export function adoptSubject(rows: Rows, now: number, theirs: SubjectRecord, operation: string): Adopted[] {
  const { subject, changedAt, disabled } = theirs;
  const here = subjectOf(rows, subject);
  const kept = keptNow(theirs, now);
  const differs = disabled !== here.disabled || kept?.id !== keptNow(here, now)?.id;
  if (changedAt < here.changedAt || (changedAt === here.changedAt && !differs)) return [];
  rows.putSubject({ subject, changedAt, disabled, kept });
  if (!disabled) return [];
  const live = rows.liveOf(subject);
  buryUnreadable(rows, now, subject, live, { reason: 'account_disabled', by: 'system' });
  return live.map((record) => {
    endOne(rows, record, ending(record, 'account_disabled', now, 'system'), operation);
    return { id: record.id, outcome: 'ended' };
  });
}

/** What the subject has changed here was meant for a session that was not here yet: it may not outlive that. */
export function refusesSession(
  rows: Rows,
  { subject, createdAt }: SessionRecord,
  theirs: ReadonlyMap<string, SubjectRecord>,
): boolean {
  if (subject === null) return false;
  const { changedAt, disabled } = subjectOf(rows, subject);
  return disabled || (changedAt > (theirs.get(subject)?.changedAt ?? 0) && changedAt >= createdAt);
}
