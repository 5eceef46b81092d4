import { SojournError } from '../../lifecycle/errors.ts';
import type { EndAllOptions } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { type Rows, retention } from '../rows.ts';
import { append } from './endings.ts';

/** The record, or `null` also where it cannot be read: one such row must not stop what is about others. */
export function readable(rows: Rows, id: string): SessionRecord | null {
  try {
    return rows.session(id);
  } catch (error) {
    if (error instanceof SojournError) return null;
    throw error;
  }
}

/** What cannot be read cannot be changed, so it ends: a newer release sees the row as ended, too. */
export function buryUnreadable(
  rows: Rows,
  now: number,
  subject: string,
  { reason, by, except }: Pick<EndAllOptions, 'reason' | 'by' | 'except'>,
): void {
  for (const { id, kind, ended } of rows.unreadableOf(subject)) {
    if (ended || id === except) continue;
    rows.bury(id, now + retention);
    append(rows, { type: 'terminated', at: now, sessionId: id, subject, kind, reason, by });
  }
}
