import { type SessionEvent, terminalEvent } from '../../lifecycle/events.ts';
import { type Ending, type SessionRecord, tombstone } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import type { Rows } from '../rows.ts';

/** Times in a record never go back, also when the machine's clock does. */
export function ending(record: SessionRecord, reason: Ending['reason'], now: number, by: string): Ending {
  return { reason, at: Math.max(now, record.lastSeenAt), by };
}

export function expiryEnding(record: SessionRecord, now: number): Ending {
  const reason = now >= record.expiresAt ? 'session_expired_absolute' : 'session_expired_idle';
  return ending(record, reason, now, 'clock');
}

export function endOne(rows: Rows, record: SessionRecord, why: Ending, operation: string): SessionRecord {
  const ended = tombstone(record, why, operation);
  rows.replace(ended);
  if (!staysCounted(ended)) addAnonymous(rows, record, -1);
  append(rows, terminalEvent(ended));
  return ended;
}

/** A visitor's session that was ended early counts to its limit, or ending each would make room for ever more. */
export function staysCounted({ ending }: SessionRecord): boolean {
  return ending !== undefined && ending.reason !== 'replaced' && ending.by !== 'clock';
}

export function addAnonymous(rows: Rows, { id, subject }: SessionRecord, change: 1 | -1): void {
  if (subject === null) rows.addAnonymous(partitionOf(id), change);
}

/** An event takes its number from the same counter as the change it goes with, so their order is commit order. */
export function append(rows: Rows, event: SessionEvent): void {
  const partition = partitionOf(event.sessionId);
  rows.append({ partition, number: rows.next(partition, event.sessionId), event });
}
