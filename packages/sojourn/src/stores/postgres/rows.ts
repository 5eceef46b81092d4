import { SojournError } from '../../lifecycle/errors.ts';
import { isTerminal } from '../../lifecycle/events.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitions } from '../../lifecycle/token.ts';
import { changesKept } from '../changes.ts';
import { partitionOfSubject } from '../partition.ts';
import { dueAt, keptIn, stateOf } from '../rows.ts';
import type { Stage, StampedSubject, UnreadableRow } from '../staged/engine.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../wire.ts';

export type Row = Readonly<Record<string, unknown>>;

/** A decision in the names of the columns. */
export function written(stage: Stage): object {
  const { subject } = stage;
  return {
    before: Number.isFinite(stage.before) ? stage.before : Number.MAX_SAFE_INTEGER,
    guards: stage.guards,
    subject: subject?.subject ?? null,
    stamp: subject?.stamp ?? 0,
    put: subject?.put ? { ...subject.put, kept: subject.put.kept && JSON.stringify(subject.put.kept) } : null,
    begins: stage.begins,
    insert: stage.insert.map(rowOf),
    replace: stage.replace.map(rowOf),
    remove: stage.remove,
    bury: [...stage.bury].map(([id, until]) => ({ id, until })),
    defer: [...stage.defer].map(([id, until]) => ({ id, until })),
    counts: [...countsOf(stage)].map(([partition, { changed, anonymous }]) => ({
      partition,
      numbers: changed.length,
      anonymous,
    })),
    mark: stage.mark,
    changed: [...stage.counts].flatMap(([partition, { changed }]) =>
      // The ring holds no more.
      changed.map((id, index) => ({ partition, number: index + 1, id })).slice(-changesKept),
    ),
    events: stage.events.map(({ partition, number, event }) => ({
      partition,
      number,
      at: event.at,
      subject: event.subject,
      terminal: isTerminal(event),
      body: JSON.stringify(event),
    })),
    mostAnonymous: Number.isFinite(stage.mostAnonymous) ? stage.mostAnonymous : null,
    erase: stage.erase,
  };
}

/** What is written about a subject also locks its partition: two that know it first go one after the other. */
function countsOf({ subject, counts }: Stage): Stage['counts'] {
  if (subject === null) return counts;
  return new Map([[partitionOfSubject(subject.subject), { changed: [], anonymous: 0 }], ...counts]);
}

function rowOf(record: SessionRecord): object {
  return {
    id: record.id,
    record: encodeRecord(record),
    format: recordFormat,
    data: record.data,
    version: record.version,
    last_seen_at: record.lastSeenAt,
    idle_timeout: record.idleTimeout,
    expires_at: record.expiresAt,
    subject: record.subject,
    state: stateOf(record),
    kind: record.kind,
    due_at: dueAt(record),
  };
}

export function sessionOf(row: Row): SessionRecord {
  return decodeRecord(String(row['record']), {
    id: String(row['id']),
    format: Number(row['format']),
    version: Number(row['version']),
    lastSeenAt: Number(row['lastSeenAt']),
    data: String(row['data']),
    state: String(row['state']),
  });
}

/** The rows that can be read, and the others by their columns. */
export function sorted(rows: readonly Row[]): { sessions: SessionRecord[]; unreadable: UnreadableRow[] } {
  const sessions: SessionRecord[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const row of rows) {
    try {
      sessions.push(sessionOf(row));
    } catch (error) {
      if (!(error instanceof SojournError)) throw error;
      unreadable.push({
        id: String(row['id']),
        subject: typeof row['subject'] === 'string' ? row['subject'] : null,
        kind: String(row['kind']),
        ended: row['state'] === 'ended',
        version: Number(row['version']),
        lastSeenAt: Number(row['lastSeenAt']),
      });
    }
  }
  return { sessions, unreadable };
}

export function stampedOf(value: unknown): StampedSubject {
  const row = Object(value) as Row;
  const { subject, stamp, changedAt, disabled, kept } = row;
  // A subject that has only begun sessions has nothing else to tell.
  const record: SubjectRecord = {
    subject: String(subject),
    changedAt: Number(changedAt ?? 0),
    disabled: disabled === true,
    kept: typeof kept === 'string' ? keptIn(kept) : undefined,
  };
  return { record, stamp: Number(stamp) };
}

/** A JSON list as the client hands it over: parsed, as text, or null when there is nothing. */
export function listOf<T>(value: unknown): readonly T[] {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return Array.isArray(list) ? list : [];
}

/** Without a row nothing is numbered and no event told: then nothing is acknowledged. */
export const partitionsMissing: string = `The table partitions lacks some of its ${partitions} rows: restore it from a backup.`;

/** A number of each partition. */
export function numbersOf(value: unknown): number[] {
  const numbers = listOf<unknown>(value).map(Number);
  if (numbers.length !== partitions) throw new SojournError('store_unavailable', partitionsMissing);
  return numbers;
}

/** No text of PostgreSQL has a NUL, and no id that was given out has one. */
export function storable(id: string): string {
  return id.replaceAll('\0', '\ufffd');
}
