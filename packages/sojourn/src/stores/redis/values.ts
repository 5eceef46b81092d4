import { SojournError } from '../../lifecycle/errors.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import type { ChangesSince } from '../changes.ts';
import { stateOf } from '../rows.ts';
import type { StampedSubject } from '../staged/engine.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../wire.ts';
import { listOf } from './client.ts';

/*
 * A session is one string: a head of fixed width, which a script compares and a touch overwrites in
 * place, then the record as JSON and, on the next line, its data.
 *
 *   version 10 · last seen 15 · idle timeout 15 · absolute limit 15 · state 1 · format 4
 */
const widths = { version: 10, time: 15, state: 1, format: 4 } as const;
export const headWidth: number = widths.version + 3 * widths.time + widths.state + widths.format;
/** The part of the head that says whether a record is still as it was read. */
export const guardWidth: number = widths.version + widths.time;
export const seenAt: { readonly offset: number; readonly width: number } = {
  offset: widths.version,
  width: widths.time,
};
export const versionWidth: number = widths.version;
export const stampWidth = 15;
export const stateOffset: number = widths.version + 3 * widths.time;

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

export function encodeSession(record: SessionRecord): string {
  return `${encodeWithoutData(record)}${record.data}`;
}

/** The head and the record's line, to which its data is added. */
export function encodeWithoutData(record: SessionRecord): string {
  const head = [
    guardOf(record.version, record.lastSeenAt),
    digits(record.idleTimeout, widths.time),
    digits(record.expiresAt, widths.time),
    stateOf(record).charAt(0),
    digits(recordFormat, widths.format),
  ].join('');
  return `${head}${encodeRecord(record)}\n`;
}

/** Whether a record that cannot be read has been ended, by its head alone. */
export function isBuried(text: string): boolean {
  return text.charAt(stateOffset) === 'e';
}

/** How a record begins that cannot be read, as far as that is text. */
export function headOf(text: string): string {
  return /^[ -~]*/.exec(text.slice(0, guardWidth))?.[0] ?? '';
}

/** What the head of an unchanged record begins with; empty when there was none. */
export function guardOf(version: number | null, lastSeenAt: number | null): string {
  return version === null || lastSeenAt === null
    ? ''
    : digits(version, widths.version) + digits(lastSeenAt, widths.time);
}

export function decodeSession(id: string, text: string): SessionRecord {
  const line = text.indexOf('\n', headWidth);
  if (line < 0) {
    throw new SojournError('store_unavailable', `The record of session ${id} cannot be read: it is cut off.`, {
      sessionId: id,
    });
  }
  return decodeRecord(text.slice(headWidth, line), {
    id,
    format: Number(text.slice(headWidth - widths.format, headWidth)),
    version: Number(text.slice(0, widths.version)),
    lastSeenAt: Number(text.slice(seenAt.offset, guardWidth)),
    data: text.slice(line + 1),
    state: text.charAt(stateOffset) === 'e' ? 'ended' : 'live',
  });
}

/** A subject's record: its stamp in fixed width, then what is known besides. */
export function encodeSubject({ changedAt, disabled, kept }: SubjectRecord): string {
  return JSON.stringify({ changedAt, disabled, kept });
}

export function decodeSubject(subject: string, text: string | null): StampedSubject {
  if (text === null) return { record: null, stamp: 0 };
  const body = text.slice(stampWidth);
  const stamp = Number(text.slice(0, stampWidth));
  if (body === '') return { record: null, stamp };
  return { record: { subject, ...subjectIn(body) }, stamp };
}

function subjectIn(body: string): Omit<SubjectRecord, 'subject'> {
  try {
    const { changedAt, disabled, kept } = JSON.parse(body);
    return { changedAt, disabled, kept };
  } catch (cause) {
    throw new SojournError('store_unavailable', 'The record of a subject cannot be read: it is not JSON.', { cause });
  }
}

export function stampOf(stamp: number): string {
  return stamp === 0 ? '' : digits(stamp, stampWidth);
}

/** A counter and the latest changes, the newest last: each as `mark:time:id`. */
export function changesOf(log: unknown): ChangesSince {
  const [count, ...entries] = listOf(log);
  const counter = Number(count);
  const changes = entries.map((entry, index) => {
    const [mark = '', at, id = ''] = (entry ?? '').split(':');
    return { number: counter - entries.length + 1 + index, mark, at: Number(at), id };
  });
  return { counter, changes };
}
