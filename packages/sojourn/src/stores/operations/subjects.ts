import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { Rows } from '../rows.ts';

export function subjectOf(rows: Rows, subject: string): SubjectRecord {
  return rows.subject(subject) ?? { subject, changedAt: 0, disabled: false };
}

export function changeSubject(rows: Rows, now: number, subject: string, change: { disabled?: boolean }): void {
  const known = subjectOf(rows, subject);
  rows.putSubject({ ...known, ...change, changedAt: Math.max(now, known.changedAt) });
}

/** Kept data that has not outlived the session it came from. */
export function keptNow(subject: SubjectRecord, now: number): SubjectRecord['kept'] {
  return subject.kept && now < subject.kept.until ? subject.kept : undefined;
}
