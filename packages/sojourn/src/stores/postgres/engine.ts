import { SojournError } from '../../lifecycle/errors.ts';
import type { SessionEvent } from '../../lifecycle/events.ts';
import type { Beat, Mark, Page, Store, SubjectRecord, SubjectsPage, Touch } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitions } from '../../lifecycle/token.ts';
import { Announcements } from '../announcements.ts';
import { beatOf, type Change } from '../changes.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { eventIn, mostEnded, retention } from '../rows.ts';
import { aheadBy } from '../staged/ahead.ts';
import type { Engine, Loaded, Stage, StampedSubject, Wanted } from '../staged/engine.ts';
import { Watchers } from '../staged/watchers.ts';
import { cameSecond, isForbidden, isLocked, unlessTakenBack, unquoting, wasTakenBack } from './failures.ts';
import { channelOf, Notifier, notifications } from './notifications.ts';
import type { PostgresClient } from './postgres.ts';
import { listOf, numbersOf, type Row, sessionOf, sorted, stampedOf, storable, written } from './rows.ts';
import { quote } from './schema.ts';
import { type Statement, statements } from './sql.ts';
import { askWithin } from './transaction.ts';

/** What one process has claimed to sweep is another's again after this long. */
const claimFor = 30_000;
/** Rows touched by one statement: whoever writes to one of them meanwhile waits for all. */
const touchedAtOnce = 500;

export interface PostgresParts {
  readonly client: PostgresClient;
  readonly schema: string;
  readonly epoch: string;
  readonly prepare: boolean;
  readonly given: (() => number) | null;
  readonly watchEvery: number;
  readonly notify: boolean;
}

export class PostgresEngine implements Engine {
  readonly name = 'postgres';
  readonly #client: PostgresClient;
  readonly #statements: ReturnType<typeof statements>;
  readonly #schema: string;
  readonly #epoch: string;
  readonly #prepare: boolean;
  readonly #given: (() => number) | null;
  readonly #notifier: Notifier | null;
  readonly #announcements: Announcements;
  readonly #watchers: Watchers;
  /** How far the engine's clock is ahead of this machine's. */
  #ahead = 0;
  #closed = false;

  constructor({ client, schema, epoch, prepare, given, watchEvery, notify }: PostgresParts) {
    this.#client = client;
    this.#schema = schema;
    this.#epoch = epoch;
    this.#statements = statements(quote(schema));
    this.#prepare = prepare;
    this.#given = given;
    const channel = channelOf(schema);
    this.#notifier = notify ? new Notifier((...values) => this.#send('notify', values), channel) : null;
    this.#announcements = new Announcements(notify ? notifications(client, channel) : null);
    this.#watchers = new Watchers(() => this.cursor(), watchEvery, this.#announcements);
  }

  now(): number {
    return this.#given?.() ?? Date.now() + this.#ahead;
  }

  async find(id: string, tx?: unknown): Promise<SessionRecord | null> {
    const [row] = await (tx === undefined
      ? this.#ask('find', [storable(id)])
      : askWithin(tx, this.#statements.hold, [storable(id)]));
    return row ? sessionOf(row) : null;
  }

  async subject(subject: string): Promise<SubjectRecord> {
    const [row] = await this.#ask('subject', [subject]);
    return (row && stampedOf(row['subject']).record) ?? { subject, changedAt: 0, disabled: false };
  }

  async list(subject: string): Promise<{ live: SessionRecord[]; ended: SessionEvent[] }> {
    const [live, ended] = await Promise.all([
      this.#ask('live', [subject]),
      this.#ask('ended', [subject, this.now() - retention, mostEnded]),
    ]);
    return {
      live: live.map(sessionOf).sort((a, b) => b.createdAt - a.createdAt),
      ended: ended.map((row) => eventIn(String(row['body']))),
    };
  }

  async page(...[after, most, { state, kind } = {}]: Parameters<Store['page']>): Promise<Page> {
    const rows = await this.#ask('page', [after ?? '', state ?? null, kind ?? null, most]);
    const records = rows.map(sessionOf);
    return { records, after: records.length < most ? null : (records.at(-1)?.id ?? null) };
  }

  async subjects(after: string | null, most: number): Promise<SubjectsPage> {
    const rows = await this.#ask('subjects', [after ?? '', most]);
    const subjects = rows.flatMap((row) => stampedOf(row['subject']).record ?? []);
    return { subjects, after: subjects.length < most ? null : (subjects.at(-1)?.subject ?? null) };
  }

  async events(after: string | null, most: number): Promise<Awaited<ReturnType<Store['events']>>> {
    const nothing = {
      epoch: this.#epoch,
      forgotten: [],
      counters: Array<number>(partitions).fill(Number.MAX_SAFE_INTEGER),
    };
    const from = after === null ? null : decodeCursor(after, nothing);
    const [row] = await this.#ask('events', [from, most]);
    const kept = {
      epoch: this.#epoch,
      forgotten: numbersOf(row?.['forgotten']),
      counters: numbersOf(row?.['counters']),
    };
    const at = after === null ? [...kept.forgotten] : decodeCursor(after, kept);
    const found: readonly (readonly [number, number, string])[] = listOf(row?.['events']);
    const events = found.map(([partition, number, body]) => {
      at[partition] = number;
      return { event: eventIn(body), cursor: encodeCursor({ epoch: this.#epoch, at }) };
    });
    return { events, cursor: encodeCursor({ epoch: this.#epoch, at }) };
  }

  async cursor(): Promise<string> {
    const [row] = await this.#ask('counters', []);
    return encodeCursor({ epoch: this.#epoch, at: numbersOf(row?.['counters']) });
  }

  async beat(known: Mark | null): Promise<Beat> {
    const sent = Date.now();
    const [row] = await this.#ask('beat', [this.#time(), known?.numbers ?? []]);
    this.#ahead = aheadBy(this.#ahead, Number(row?.['now']), sent);
    const changes: readonly (readonly [number, number, string, number, string])[] = listOf(row?.['changes']);
    const of = Map.groupBy(changes, ([partition]) => partition);
    const changesOf = (partition: number): Change[] =>
      (of.get(partition) ?? []).map(([, number, mark, at, id]) => ({ number, mark, at, id }));
    const counters = numbersOf(row?.['counters']);
    return beatOf(
      this.#epoch,
      known,
      counters.map((counter, partition) => ({ counter, changes: changesOf(partition) })),
    );
  }

  async load(wanted: Wanted): Promise<Loaded> {
    const { ids = [], subject = null, tombstones = false, owners = false, anonymous, due } = wanted;
    const sent = Date.now();
    const [row] = await (due === undefined
      ? this.#ask('load', [this.#time(), ids.map(storable), subject, tombstones, owners, anonymous !== undefined])
      : this.#ask('claim', [this.#time(), due, claimFor]));
    this.#ahead = aheadBy(this.#ahead, Number(row?.['now']), sent);
    const { sessions, unreadable } = sorted(listOf<Row>(row?.['sessions']));
    const subjects = listOf<Row>(row?.['subjects']).map((one): [string, StampedSubject] => [
      String(one['subject']),
      stampedOf(one),
    ]);
    return {
      now: Number(row?.['now']),
      sessions,
      subjects: new Map(subjects),
      anonymous: Number(row?.['anonymous'] ?? 0),
      due: due === undefined ? [] : [...sessions, ...unreadable].map(({ id }) => id),
      more: false,
      unreadable,
    };
  }

  async commit(stage: Stage): Promise<boolean> {
    const committed = await this.#commit('commit', written(stage), ([row]) => [row?.['committed']]);
    return this.#tell([stage], committed)[0] ?? false;
  }

  async commitEach(stages: readonly Stage[]): Promise<readonly boolean[]> {
    const committed = await this.#commit('commitEach', stages.map(written), ([row]) => listOf(row?.['committed']));
    return this.#tell(stages, committed);
  }

  /** What became of each stage; nothing where all was taken back. */
  async #commit(
    name: 'commit' | 'commitEach',
    stages: object,
    answerOf: (rows: readonly Row[]) => readonly unknown[],
  ): Promise<readonly unknown[]> {
    try {
      return answerOf(await this.#once(name, [this.#time(), JSON.stringify(stages)]));
    } catch (error) {
      // It waited for a lock as long as it was worth anything: whoever asked learns by the clock that it is late.
      if (cameSecond(error, this.#schema) || isLocked(error)) return [];
      throw error;
    }
  }

  /** Tells others of those that were committed. */
  #tell(stages: readonly Stage[], committed: readonly unknown[]): readonly boolean[] {
    const done = stages.filter((_, index) => committed[index] === true);
    for (const { now, counts } of done) {
      for (const { changed } of counts.values()) this.#notifier?.tell(now, changed);
    }
    if (done.length > 0) queueMicrotask(() => this.#watchers.changed());
    return stages.map((_, index) => committed[index] === true);
  }

  async touch(touches: readonly Touch[]): Promise<void> {
    // One row is touched once in a statement: its latest.
    const latest = new Map(touches.toSorted((a, b) => a.seenAt - b.seenAt).map(({ id, seenAt }) => [id, seenAt]));
    const rows = [...latest];
    const held: string[] = [];
    for (let from = 0; from < rows.length; from += touchedAtOnce) {
      held.push(...(await this.#touch(rows.slice(from, from + touchedAtOnce), false)));
    }
    for (const id of held) await this.#touch([[id, latest.get(id) ?? 0]], true);
  }

  /** Those that are being written: who is `patient` has waited for them. */
  async #touch(rows: readonly (readonly [string, number])[], patient: boolean): Promise<readonly string[]> {
    const [row] = await this.#ask('touch', [rows.map(([id]) => id), rows.map(([, seenAt]) => seenAt), patient]);
    return listOf(row?.['held']);
  }

  /** Drops what an earlier lap forgot: who was reading it then has long read to the end. The retention is told by the engine's clock. */
  async forget(before: number, most: number): Promise<number> {
    await this.makeWeeks();
    const [dropped] = await this.#askIfAllowed('drop', []);
    const [row] = await this.#askIfAllowed('forget', [this.#given === null ? null : before, most]).catch(unlessSecond);
    return Number(dropped?.['dropped'] ?? 0) + Number(row?.['forgotten'] ?? 0);
  }

  /** Sees that the tables of this week's events and the next ones' are there. `false`: the account may not. */
  async makeWeeks(): Promise<boolean> {
    return (await this.#askIfAllowed('weeks', [this.#time()])).length > 0;
  }

  watch(changed: () => void): () => void {
    return this.#watchers.add(changed);
  }

  listen(changed: (changes: Beat['changed']) => void): () => void {
    return this.#announcements.listen(changed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchers.stop();
    this.#announcements.close();
    await this.#notifier?.close();
  }

  #time(): number | null {
    return this.#given?.() ?? null;
  }

  /** Whose account may only read and write leaves it to others. */
  async #askIfAllowed(name: Statement, values: unknown[]): Promise<readonly Row[]> {
    try {
      return await this.#ask(name, values);
    } catch (error) {
      if (isForbidden(error)) return [];
      throw error;
    }
  }

  #ask(name: Statement, values: unknown[]): Promise<readonly Row[]> {
    return unlessTakenBack(() => this.#once(name, values));
  }

  /** A client that throws at once has refused, too. */
  async #send(name: Statement, values: unknown[]): ReturnType<PostgresClient['query']> {
    const text = this.#statements[name];
    const statement = this.#prepare ? { name: `${this.#schema}.${name}`, text, values } : { text, values };
    try {
      return await this.#client.query(statement);
    } catch (failure) {
      throw unquoting(failure);
    }
  }

  async #once(name: Statement, values: unknown[]): Promise<readonly Row[]> {
    if (this.#closed) throw new SojournError('store_unavailable', 'The postgres store is closed.');
    return (await this.#send(name, values)).rows;
  }
}

/** Where others came first each time, the next lap forgets: this one has more to answer. */
function unlessSecond(error: unknown): readonly Row[] {
  if (wasTakenBack(error)) return [];
  throw error;
}
