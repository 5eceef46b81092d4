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

type Why = Pick<EndAllOptions, 'reason' | 'by'>;

/** The live record of a subject's session; one that cannot be read is buried. */
export function liveOrBuried(rows: Rows, now: number, subject: string, id: string, why: Why): SessionRecord | null {
  const record = readable(rows, id);
  if (record === null) bury(rows, now, subject, id, why);
  return record?.ending ? null : record;
}

/** Those of a subject's live sessions that are not among the readable ones. */
export function buryUnreadable(
  rows: Rows,
  now: number,
  subject: string,
  live: readonly SessionRecord[],
  why: Why,
): void {
  const known = new Set(live.map(({ id }) => id));
  for (const id of rows.liveIds(subject)) if (!known.has(id)) bury(rows, now, subject, id, why);
}

/** What cannot be read cannot be changed, so it ends: a newer release sees the row as ended, too. */
function bury(rows: Rows, now: number, subject: string, id: string, { reason, by }: Why): void {
  const unreadable = rows.unreadable(id);
  if (unreadable === null || unreadable.ended) return;
  rows.bury(id, now + retention);
  append(rows, { type: 'terminated', at: now, sessionId: id, subject, kind: unreadable.kind, reason, by });
}
