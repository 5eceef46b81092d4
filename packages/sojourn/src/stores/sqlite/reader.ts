import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SojournError } from '../../lifecycle/errors.ts';
import type { SessionEvent } from '../../lifecycle/events.ts';
import type { Beat, EventsPage, Mark, Page, Store, SubjectRecord, SubjectsPage } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { beatOf, type ChangesSince, changesKept } from '../changes.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { eventIn, mostEnded, retention } from '../rows.ts';
import { decodeRecord } from '../wire.ts';
import { pragmas } from './pragmas.ts';
import { sessionColumns, sessionOf, subjectOf } from './rows.ts';

/** How soon another process's writes are noticed by who watches. */
const watchInterval = 100;
/** WAL readers wait for nobody, but for a moment at recovery and at the last close. */
const readTimeout = 100;

/** Reads, on the main thread and its own connection: in WAL a read waits for no writer. */
export class Reader {
  readonly #db: DatabaseSync;
  readonly #epoch: string;
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  readonly #watchers = new Set<() => void>();
  #poll: NodeJS.Timeout | null = null;
  #dataVersion: unknown = 0;
  #lastBeat: { readonly mark: Mark; readonly version: unknown } | null = null;
  #closed = false;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: readTimeout });
    this.#db.exec(pragmas.reader);
    const prepared = Object.entries(sql).map(([name, text]) => [name, this.#db.prepare(text)]);
    this.#statements = Object.fromEntries(prepared);
    // The reads of every request and every turn: a row as an object would cost a fifth of them.
    this.#statements.session.setReturnArrays(true);
    this.#statements.dataVersion.setReturnArrays(true);
    this.#epoch = String(this.#statements.epoch.get()?.['epoch']);
  }

  find(id: string): SessionRecord | null {
    const row: unknown = this.#read(() => this.#statements.session.get(id));
    if (!Array.isArray(row)) return null;
    return decodeRecord(String(row[0]), {
      id,
      format: Number(row[1]),
      data: String(row[2]),
      version: Number(row[3]),
      lastSeenAt: Number(row[4]),
      state: String(row[5]),
    });
  }

  subject(subject: string): SubjectRecord {
    const row = this.#read(() => this.#statements.subject.get(subject));
    return row ? subjectOf(row) : { subject, changedAt: 0, disabled: false };
  }

  list(subject: string, now: number): { live: SessionRecord[]; ended: SessionEvent[] } {
    return this.#read(() => ({
      live: this.#statements.liveOf
        .all(subject)
        .map(sessionOf)
        .sort((a, b) => b.createdAt - a.createdAt),
      ended: this.#statements.endedOf
        .all(subject, now - retention, mostEnded)
        .map((row) => eventIn(String(row['body']))),
    }));
  }

  page(after: string | null, most: number, { state, kind }: Parameters<Store['page']>[2] = {}): Page {
    const rows = this.#read(() =>
      this.#statements.page.all(after ?? '', state ?? null, state ?? null, kind ?? null, kind ?? null, most),
    );
    const records = rows.map(sessionOf);
    return { records, after: records.length < most ? null : (records.at(-1)?.id ?? null) };
  }

  subjects(after: string | null, most: number): SubjectsPage {
    const subjects = this.#read(() => this.#statements.subjects.all(after ?? '', most)).map(subjectOf);
    return { subjects, after: subjects.length < most ? null : (subjects.at(-1)?.subject ?? null) };
  }

  events(after: string | null, most: number): EventsPage {
    return this.#snapshot(() => {
      const partitions = this.#statements.partitions.all();
      const forgotten = partitions.map((row) => Number(row['forgotten']));
      const counters = partitions.map((row) => Number(row['counter']));
      const at = after === null ? [...forgotten] : decodeCursor(after, { epoch: this.#epoch, forgotten, counters });
      const events = this.#eventsAfter(at, counters, most).map((row) => {
        at[Number(row['partition'])] = Number(row['number']);
        return { event: eventIn(String(row['body'])), cursor: encodeCursor({ epoch: this.#epoch, at }) };
      });
      return { events, cursor: encodeCursor({ epoch: this.#epoch, at }) };
    });
  }

  /** In the order of commits, from the first that has not been read in any partition. */
  #eventsAfter(at: readonly number[], counters: readonly number[], most: number): Record<string, unknown>[] {
    const firsts = at.flatMap((number, partition) => {
      const first =
        number < (counters[partition] ?? 0) ? this.#statements.firstAfter.get(partition, number) : undefined;
      return first ? [Number(first['position'])] : [];
    });
    if (firsts.length === 0) return [];
    const found: Record<string, unknown>[] = [];
    let from = Math.min(...firsts);
    for (;;) {
      const rows = this.#statements.events.all(from, most);
      found.push(...rows.filter((row) => Number(row['number']) > (at[Number(row['partition'])] ?? 0)));
      if (found.length >= most || rows.length < most) return found.slice(0, most);
      from = Number(rows.at(-1)?.['position']) + 1;
    }
  }

  /** Cheap where nobody has written since: a process that remembers asks in every turn. */
  beat(known: Mark | null): Beat {
    const version = this.#read(() => this.#version());
    if (known !== null && known === this.#lastBeat?.mark && version === this.#lastBeat.version) {
      return { mark: known, changed: [], lost: [], unproved: [] };
    }
    const beat = this.#snapshot(() => beatOf(this.#epoch, known, this.#changesSince(known)));
    // The version was asked before the changes were read: one that came between is read again, not missed.
    this.#lastBeat = { mark: beat.mark, version };
    return beat;
  }

  #changesSince(known: Mark | null): ChangesSince[] {
    return this.#statements.partitions.all().map((row, partition) => {
      const counter = Number(row['counter']);
      const from = known?.numbers[partition] ?? counter;
      const changes =
        from === counter || counter - from > changesKept
          ? []
          : this.#statements.changes.all(partition, from).map((change) => ({
              number: Number(change['number']),
              mark: '',
              at: 0,
              id: String(change['id']),
            }));
      return { counter, changes };
    });
  }

  #version(): unknown {
    const row: unknown = this.#statements.dataVersion.get();
    return Array.isArray(row) ? row[0] : undefined;
  }

  cursor(): string {
    const rows = this.#read(() => this.#statements.partitions.all());
    return encodeCursor({ epoch: this.#epoch, at: rows.map((row) => Number(row['counter'])) });
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    this.#poll ??= setInterval(() => this.#pollOnce(), watchInterval).unref();
    return () => {
      this.#watchers.delete(changed);
      if (this.#watchers.size === 0) this.#stopPolling();
    };
  }

  /** Something was written by this process. */
  changed(): void {
    for (const changed of this.#watchers) changed();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watchers.clear();
    this.#stopPolling();
    this.#db.close();
  }

  #stopPolling(): void {
    if (this.#poll) clearInterval(this.#poll);
    this.#poll = null;
  }

  /** `data_version` differs when another connection has committed, of this process or of any other. */
  #pollOnce(): void {
    try {
      const version = this.#version();
      if (version === this.#dataVersion) return;
      this.#dataVersion = version;
    } catch {
      // Who watches reads next, and meets what is wrong with the file there.
    }
    this.changed();
  }

  /** Several statements on one state of the file, so that nothing is removed between them. */
  #snapshot<T>(read: () => T): T {
    return this.#read(() => {
      this.#db.exec('BEGIN');
      try {
        return read();
      } finally {
        this.#db.exec('COMMIT');
      }
    });
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (cause instanceof SojournError) throw cause;
      const why = this.#closed ? 'it is closed' : String(cause);
      throw new SojournError('store_unavailable', `The sqlite store cannot answer: ${why}.`, { cause });
    }
  }
}

const sql = {
  session: 'SELECT record, format, data, version, last_seen_at, state FROM sessions WHERE id = ?',
  subject: 'SELECT subject, changed_at, disabled, kept FROM subjects WHERE subject = ?',
  subjects: `SELECT subject, changed_at, disabled, kept FROM subjects WHERE subject > ? ORDER BY subject LIMIT ?`,
  liveOf: `SELECT ${sessionColumns} FROM sessions WHERE subject = ? AND state = 'signed-in'`,
  endedOf: 'SELECT body FROM events WHERE subject = ? AND terminal = 1 AND at >= ? ORDER BY position DESC LIMIT ?',
  page: `SELECT ${sessionColumns} FROM sessions
         WHERE id > ? AND (? IS NULL OR state = ?) AND (? IS NULL OR kind = ?) ORDER BY id LIMIT ?`,
  partitions: 'SELECT counter, forgotten FROM partitions ORDER BY partition',
  firstAfter: 'SELECT position FROM events WHERE partition = ? AND number > ? ORDER BY number LIMIT 1',
  events: 'SELECT position, partition, number, body FROM events WHERE position >= ? ORDER BY position LIMIT ?',
  changes: 'SELECT number, id FROM changes WHERE partition = ? AND number >= ? ORDER BY number',
  epoch: 'SELECT epoch FROM engine',
  dataVersion: 'PRAGMA data_version',
} as const;
