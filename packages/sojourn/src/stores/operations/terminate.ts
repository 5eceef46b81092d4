import { eventOf } from '../../lifecycle/events.ts';
import type { Asked, EndAllOptions, Ended, EndOptions, WriteOptions } from '../../lifecycle/ports.ts';
import { isLive, type SessionRecord } from '../../lifecycle/session.ts';
import { eachInParts, type InParts, sessionsAtOnce } from '../parts.ts';
import type { Rows } from '../rows.ts';
import { append, ending, endOne, expiryEnding } from './endings.ts';
import { shortened } from './expire.ts';
import { checkInTime } from './in-time.ts';
import { liveOrBuried } from './readable.ts';
import { changeSubject, subjectOf } from './subjects.ts';

export function end(rows: Rows, now: number, id: string, options: EndOptions): Ended | null {
  checkInTime(now, options.until);
  const record = rows.session(id);
  if (record === null) return null;
  if (record.ending) return { ended: record.operation === options.operation, record };
  if (options.ifExpired) {
    const { idleTimeout, lifetime } = options.ifExpired;
    const limited = shortened(record, { idle: idleTimeout, absolute: lifetime });
    if (isLive(limited, now)) return { ended: false, record };
  }
  if (options.verdict) append(rows, eventOf(options.verdict, record, now));
  if (options.keepData) keepData(rows, record);
  return {
    ended: true,
    record: endOne(rows, record, ending(record, options.reason, now, options.by), options.operation),
  };
}

function keepData(rows: Rows, record: SessionRecord): void {
  if (record.subject === null || record.data === '{}') return;
  const kept = { id: record.id, data: record.data, until: record.expiresAt };
  rows.putSubject({ ...subjectOf(rows, record.subject), kept });
}

/** Of a repeated one, those that ended the first time are answered again, and what has begun since is not meant. */
export function* endAll(rows: Rows, now: number, subject: string, options: EndAllOptions): InParts<SessionRecord[]> {
  checkInTime(now, options.until);
  const before = rows.writtenBy(subject, options.operation).filter(({ ending }) => ending !== undefined);
  const first = before.length === 0;
  if (first) changeSubject(rows, now, subject, options.disable ? { disabled: true } : {});
  const from = Math.max(...before.map(({ ending }) => ending?.at ?? 0));
  const ended = [...before];
  const end = (id: string): void => {
    const record = liveOrBuried(rows, now, subject, id, options);
    if (record === null || (!first && record.createdAt > from)) return;
    const why = isLive(record, now) ? ending(record, options.reason, now, options.by) : expiryEnding(record, now);
    ended.push(endOne(rows, record, why, options.operation));
  };
  const meant = options.except === 'all' ? [] : rows.liveIds(subject).filter((id) => id !== options.except);
  const later = yield* eachInParts(meant, end, options.until);
  // What one that was still to end has begun between two parts, acting as somebody else, must be older than this, too.
  if (later !== null) changeSubject(rows, later, subject, {});
  return ended;
}

export function enable(rows: Rows, now: number, subject: string, { until }: Asked): void {
  checkInTime(now, until);
  changeSubject(rows, now, subject, { disabled: false });
}

export function* purge(rows: Rows, now: number, subject: string, options: WriteOptions): InParts<SessionRecord[]> {
  const ended = yield* purgeWhatIsThere(rows, now, subject, options);
  if (ended.length <= sessionsAtOnce) return ended;
  // Who signed in again between two parts may have taken over what was still to be erased.
  return [...ended, ...(yield* purgeWhatIsThere(rows, now, subject, options))];
}

function* purgeWhatIsThere(rows: Rows, now: number, subject: string, options: WriteOptions): InParts<SessionRecord[]> {
  rows.putSubject({ ...subjectOf(rows, subject), kept: undefined });
  const ended = yield* endAll(rows, now, subject, { reason: 'purged', by: 'system', ...options });
  yield* eachInParts(rows.endedIds(subject), (id) => rows.remove(id), options.until);
  rows.putSubject({ ...subjectOf(rows, subject), kept: undefined });
  while (rows.eraseEvents(subject, sessionsAtOnce)) checkInTime(yield, options.until);
  return ended;
}
