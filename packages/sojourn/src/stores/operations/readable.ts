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

/** The live record of a subject's session. What cannot be read cannot be changed, so it ends: a newer release sees the row as ended, too. */
export function liveOrBuried(
  rows: Rows,
  now: number,
  subject: string,
  id: string,
  { reason, by }: Pick<EndAllOptions, 'reason' | 'by'>,
): SessionRecord | null {
  const record = readable(rows, id);
  if (record !== null) return record.ending ? null : record;
  const unreadable = rows.unreadable(id);
  if (unreadable !== null && !unreadable.ended) {
    rows.bury(id, now + retention);
    append(rows, { type: 'terminated', at: now, sessionId: id, subject, kind: unreadable.kind, reason, by });
  }
  return null;
}
