import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SojournError } from '../../lifecycle/errors.ts';
import { isTerminal } from '../../lifecycle/events.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { slotOf } from '../changes.ts';
import { dueAt, erasedText, keptIn, type NumberedEvent, type Rows, stateOf, type Unreadable } from '../rows.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../wire.ts';

type Row = Record<string, unknown>;

/** The columns of a session's row, in the words of a record. */
export const sessionColumns = 'id, record, format, data, version, last_seen_at AS lastSeenAt, state';

/** A row with `sessionColumns`, as a record. */
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

function ifReadable(row: Row): [SessionRecord] | [] {
  try {
    return [sessionOf(row)];
  } catch (error) {
    if (error instanceof SojournError) return [];
    throw error;
  }
}

/** A row of `subjects`, as a record. */
export function subjectOf(row: Row): SubjectRecord {
  return {
    subject: String(row['subject']),
    changedAt: Number(row['changed_at']),
    disabled: row['disabled'] === 1,
    kept: row['kept'] === null ? undefined : keptIn(String(row['kept'])),
  };
}

/** Rows of a file, inside whatever transaction the caller has open. */
export class SqliteRows implements Rows {
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;

  constructor(db: DatabaseSync) {
    const prepared = Object.entries(sql).map(([name, text]) => [name, db.prepare(text)]);
    this.#statements = Object.fromEntries(prepared);
  }

  session(id: string): SessionRecord | null {
    const row = this.#statements.session.get(id);
    return row ? sessionOf(row) : null;
  }

  insert(record: SessionRecord): void {
    this.#statements.insert.run(
      record.id,
      encodeRecord(record),
      recordFormat,
      record.data,
      record.version,
      record.lastSeenAt,
      record.subject,
      stateOf(record),
      record.kind,
      dueAt(record),
    );
  }

  replace(record: SessionRecord): void {
    this.#statements.replace.run(
      encodeRecord(record),
      record.data,
      record.version,
      record.lastSeenAt,
      stateOf(record),
      dueAt(record),
      record.id,
    );
  }

  remove(id: string): void {
    this.#statements.remove.run(id);
  }

  seen(id: string, at: number): void {
    this.#statements.seen.run(at, id);
  }

  liveOf(subject: string): SessionRecord[] {
    return this.#statements.liveOf.all(subject).flatMap(ifReadable);
  }

  liveIds(subject: string): string[] {
    return this.#statements.liveIds.all(subject).map((row) => String(row['id']));
  }

  endedIds(subject: string): string[] {
    return this.#statements.endedIds.all(subject).map((row) => String(row['id']));
  }

  writtenBy(subject: string, operation: string): SessionRecord[] {
    // The text is only looked for before it is parsed: what cannot be parsed would be an error of SQLite's JSON.
    const found = this.#statements.mentioning.all(subject, JSON.stringify(operation)).flatMap(ifReadable);
    return found.filter((record) => record.operation === operation);
  }

  unreadable(id: string): Unreadable | null {
    const row = this.#statements.session.get(id);
    if (row === undefined || ifReadable(row).length > 0) return null;
    return { id, kind: String(row['kind']), ended: row['state'] === 'ended' };
  }

  bury(id: string, until: number): void {
    this.#statements.bury.run(until, id);
  }

  defer(id: string, until: number): void {
    this.#statements.defer.run(until, id);
  }

  due(before: number, most: number): string[] {
    return this.#statements.due.all(before, most).map((row) => String(row['id']));
  }

  subject(subject: string): SubjectRecord | null {
    const row = this.#statements.subject.get(subject);
    return row ? subjectOf(row) : null;
  }

  putSubject({ subject, changedAt, disabled, kept }: SubjectRecord): void {
    this.#statements.putSubject.run(subject, changedAt, disabled ? 1 : 0, kept ? JSON.stringify(kept) : null);
  }

  next(partition: number, id: string): number {
    const number = Number(this.#statements.next.get(partition)?.['counter']);
    this.#statements.change.run(partition, slotOf(number), number, id);
    return number;
  }

  append({ partition, number, event }: NumberedEvent): void {
    const terminal = isTerminal(event) ? 1 : 0;
    this.#statements.append.run(partition, number, event.at, event.subject, terminal, JSON.stringify(event));
  }

  forgetEvents(before: number, most: number): number {
    // Positions are handed out in the order of time but for clock steps, so the oldest are at the front.
    const oldest = this.#statements.oldestEvents.all(most);
    const kept = oldest.findIndex((row) => Number(row['at']) >= before);
    const last = oldest[kept === -1 ? oldest.length - 1 : kept - 1];
    if (last === undefined) return 0;
    this.#statements.rememberForgotten.run(Number(last['position']));
    return Number(this.#statements.forgetEvents.run(Number(last['position'])).changes);
  }

  eraseEvents(subject: string, most: number): boolean {
    const rows = this.#statements.eventsOf.all(subject, most);
    for (const row of rows) {
      const body = erasedText(String(row['body']));
      const position = Number(row['position']);
      if (body === null) this.#statements.removeEvent.run(position);
      else this.#statements.erase.run(body, position);
    }
    return rows.length === most;
  }

  countAnonymous(): number {
    return Number(this.#statements.countAnonymous.get()?.['count']);
  }

  addAnonymous(partition: number, change: 1 | -1): void {
    this.#statements.addAnonymous.run(change, partition);
  }
}

const sql = {
  session: `SELECT ${sessionColumns}, kind FROM sessions WHERE id = ?`,
  insert: `INSERT INTO sessions (id, record, format, data, version, last_seen_at, subject, state, kind, due_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  replace:
    'UPDATE sessions SET record = ?, data = ?, version = ?, last_seen_at = ?, state = ?, due_at = ? WHERE id = ?',
  remove: 'DELETE FROM sessions WHERE id = ?',
  seen: 'UPDATE sessions SET last_seen_at = ? WHERE id = ?',
  liveOf: `SELECT ${sessionColumns} FROM sessions WHERE subject = ? AND state = 'signed-in'`,
  liveIds: "SELECT id FROM sessions WHERE subject = ? AND state = 'signed-in'",
  endedIds: "SELECT id FROM sessions WHERE subject = ? AND state = 'ended'",
  mentioning: `SELECT ${sessionColumns} FROM sessions WHERE subject = ? AND instr(record, ?) > 0`,
  bury: "UPDATE sessions SET state = 'ended', data = '{}', version = version + 1, due_at = ? WHERE id = ?",
  defer: 'UPDATE sessions SET due_at = ? WHERE id = ?',
  due: 'SELECT id FROM sessions WHERE due_at <= ? ORDER BY due_at LIMIT ?',
  subject: 'SELECT subject, changed_at, disabled, kept FROM subjects WHERE subject = ?',
  putSubject: `INSERT INTO subjects (subject, changed_at, disabled, kept) VALUES (?, ?, ?, ?)
               ON CONFLICT (subject) DO UPDATE SET
                 changed_at = excluded.changed_at, disabled = excluded.disabled, kept = excluded.kept`,
  next: 'UPDATE partitions SET counter = counter + 1 WHERE partition = ? RETURNING counter',
  change: 'INSERT OR REPLACE INTO changes (partition, slot, number, id) VALUES (?, ?, ?, ?)',
  append: 'INSERT INTO events (partition, number, at, subject, terminal, body) VALUES (?, ?, ?, ?, ?, ?)',
  oldestEvents: 'SELECT position, at FROM events ORDER BY position LIMIT ?',
  rememberForgotten: `UPDATE partitions SET forgotten = max(forgotten, coalesce(
                        (SELECT max(number) FROM events WHERE events.partition = partitions.partition AND position <= ?), 0))`,
  forgetEvents: 'DELETE FROM events WHERE position <= ?',
  eventsOf: 'SELECT position, body FROM events WHERE subject = ? LIMIT ?',
  erase: 'UPDATE events SET body = ?, subject = NULL WHERE position = ?',
  removeEvent: 'DELETE FROM events WHERE position = ?',
  countAnonymous: 'SELECT sum(anonymous) AS count FROM partitions',
  addAnonymous: 'UPDATE partitions SET anonymous = anonymous + ? WHERE partition = ?',
} as const;
