import { eventOf } from '../../lifecycle/events.ts';
import type { Asked, EndAllOptions, Ended, EndOptions, WriteOptions } from '../../lifecycle/ports.ts';
import { isLive, type SessionRecord } from '../../lifecycle/session.ts';
import type { Rows } from '../rows.ts';
import { append, ending, endOne, expiryEnding } from './endings.ts';
import { shortened } from './expire.ts';
import { checkInTime } from './in-time.ts';
import { buryUnreadable } from './readable.ts';
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
export function endAll(rows: Rows, now: number, subject: string, options: EndAllOptions): SessionRecord[] {
  checkInTime(now, options.until);
  const before = rows.tombstonesOf(subject).filter(({ operation }) => operation === options.operation);
  const first = before.length === 0;
  if (first) changeSubject(rows, now, subject, options.disable ? { disabled: true } : {});
  buryUnreadable(rows, now, subject, options);
  const from = Math.max(...before.map(({ ending }) => ending?.at ?? 0));
  const ended = rows
    .liveOf(subject)
    .filter(({ id, createdAt }) => id !== options.except && (first || createdAt <= from))
    .map((record) =>
      endOne(
        rows,
        record,
        isLive(record, now) ? ending(record, options.reason, now, options.by) : expiryEnding(record, now),
        options.operation,
      ),
    );
  return [...before, ...ended];
}

export function enable(rows: Rows, now: number, subject: string, { until }: Asked): void {
  checkInTime(now, until);
  changeSubject(rows, now, subject, { disabled: false });
}

export function purge(rows: Rows, now: number, subject: string, options: WriteOptions): SessionRecord[] {
  const ended = endAll(rows, now, subject, { reason: 'purged', by: 'system', ...options });
  for (const { id } of [...rows.tombstonesOf(subject), ...rows.unreadableOf(subject)]) rows.remove(id);
  rows.eraseEvents(subject);
  rows.putSubject({ ...subjectOf(rows, subject), kept: undefined });
  return ended;
}
