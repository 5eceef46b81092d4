import { eventOf } from '../../lifecycle/events.ts';
import type { Asked, Change, Notice, Touch, Updated, UpdateOptions } from '../../lifecycle/ports.ts';
import { isLive, liveUntil, type SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import type { Rows } from '../rows.ts';
import { append } from './endings.ts';
import { checkInTime } from './in-time.ts';
import { readable } from './readable.ts';

export function update(
  rows: Rows,
  now: number,
  id: string,
  version: number,
  change: Change,
  { operation, seenAt, events, until }: UpdateOptions,
): Updated {
  checkInTime(now, until);
  const found = rows.session(id);
  if (found === null || found.ending) return { outcome: 'gone' };
  if (found.operation === operation) return { outcome: 'updated', record: found };
  const current = seenAt > found.lastSeenAt && seenAt < liveUntil(found) ? { ...found, lastSeenAt: seenAt } : found;
  if (!isLive(current, now)) return { outcome: 'gone' };
  if (current.version !== version) return { outcome: 'conflict' };
  const record: SessionRecord = { ...current, ...withoutUnset(change), version: version + 1, operation };
  rows.replace(record);
  const partition = partitionOf(id);
  if (events.length === 0) rows.next(partition, id);
  for (const { type, ...more } of events) append(rows, eventOf(type, record, now, more));
  return { outcome: 'updated', record };
}

/** TypeScript's optional fields admit no explicit `undefined`; here it means "remove", which JSON does. */
function withoutUnset(change: Change): Partial<SessionRecord> {
  return change as Partial<SessionRecord>;
}

export function touch(rows: Rows, touches: readonly Touch[]): void {
  for (const { id, seenAt } of touches) {
    const record = readable(rows, id);
    if (record && !record.ending && seenAt > record.lastSeenAt && seenAt < liveUntil(record)) rows.seen(id, seenAt);
  }
}

export function note(rows: Rows, now: number, notices: readonly Notice[], { until }: Asked = {}): void {
  checkInTime(now, until);
  for (const { id, code, count } of notices) {
    const record = readable(rows, id);
    if (record) append(rows, eventOf('noticed', record, now, { code, count }));
  }
}
