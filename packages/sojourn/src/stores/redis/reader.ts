import { SojournError } from '../../lifecycle/errors.ts';
import type { SessionEvent } from '../../lifecycle/events.ts';
import type { Page, Store, SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { characterOf, partitionOf } from '../../lifecycle/token.ts';
import { mostEnded, refuseTransaction, retention, stateOf } from '../rows.ts';
import { aheadBy } from '../staged/ahead.ts';
import type { StampedSubject, UnreadableRow } from '../staged/engine.ts';
import { listOf, type Send, textOf } from './client.ts';
import { type EventLog, everyPartition } from './events.ts';
import type { Keys } from './keys.ts';
import { run } from './scripts.ts';
import { decodeSession, decodeSubject, headOf, isBuried } from './values.ts';

/** Records of sessions, and the heads of those that cannot be read. */
export interface Records {
  readonly sessions: readonly SessionRecord[];
  readonly unreadable: readonly UnreadableRow[];
}

export interface ReaderParts {
  readonly send: Send;
  readonly keys: Keys;
  readonly cluster: boolean;
  readonly given: (() => number) | null;
}

/** Reads, by plain commands. */
export class RedisReader {
  readonly #send: Send;
  readonly #keys: Keys;
  readonly #events: EventLog;
  readonly #cluster: boolean;
  readonly #given: (() => number) | null;
  /** How far the engine's clock is ahead of this machine's. */
  #ahead = 0;

  constructor({ send, keys, cluster, given }: ReaderParts, events: EventLog) {
    this.#send = send;
    this.#keys = keys;
    this.#events = events;
    this.#cluster = cluster;
    this.#given = given;
  }

  now(): number {
    return this.#given?.() ?? Date.now() + this.#ahead;
  }

  async find(id: string, tx?: unknown): Promise<SessionRecord | null> {
    refuseTransaction('redis', tx);
    const text = textOf(await this.#send('GET', this.#keys.session(id)));
    return text === null ? null : decodeSession(id, text);
  }

  async subject(subject: string): Promise<SubjectRecord> {
    const { record } = await this.stamped(subject);
    return record ?? { subject, changedAt: 0, disabled: false };
  }

  async stamped(subject: string): Promise<StampedSubject> {
    return decodeSubject(subject, textOf(await this.#send('GET', this.#keys.subject(subject))));
  }

  async #texts(ids: readonly string[]): Promise<[id: string, text: string][]> {
    const answers = await Promise.all(ids.map((id) => this.#send('GET', this.#keys.session(id))));
    return answers.flatMap((answer, index) => {
      const text = textOf(answer);
      return text === null ? [] : [[ids[index] ?? '', text]];
    });
  }

  async #sessions(ids: readonly string[]): Promise<SessionRecord[]> {
    return (await this.#texts(ids)).map(([id, text]) => decodeSession(id, text));
  }

  /** The records that can be read, and the others by their heads. */
  async records(ids: readonly string[], subject: string | null = null): Promise<Records> {
    const sessions: SessionRecord[] = [];
    const unreadable: UnreadableRow[] = [];
    for (const [id, text] of await this.#texts(ids)) {
      try {
        sessions.push(decodeSession(id, text));
      } catch (error) {
        if (!(error instanceof SojournError)) throw error;
        unreadable.push({
          ...{ id, subject, kind: 'unknown', ended: isBuried(text) },
          ...{ version: null, lastSeenAt: null, head: headOf(text) },
        });
      }
    }
    return { sessions, unreadable };
  }

  /** Of the sessions that a list names, those that there are. */
  async recordsIn(list: string, subject: string): Promise<Records> {
    return this.recordsOf(list, await this.idsIn(list), subject);
  }

  /** The same of some that it names. What is not there any more, somebody else has removed: it leaves the list. */
  async recordsOf(list: string, ids: readonly string[], subject: string | null = null): Promise<Records> {
    const found = await this.records(ids, subject);
    const there = new Set([...found.sessions, ...found.unreadable].map(({ id }) => id));
    const gone = ids.filter((id) => !there.has(id));
    const keys = gone.map((id) => this.#keys.session(id));
    if (gone.length > 0) await run(this.#send, 'repair', [list, ...keys], gone);
    return found;
  }

  /** Ids of live sessions, or of tombstones; what has gone meanwhile is passed over when it is read. */
  async idsIn(list: string): Promise<string[]> {
    return listOf(await this.#send('ZRANGE', list, '0', '-1')).filter((id) => id !== null);
  }

  async list(subject: string): Promise<{ live: SessionRecord[]; ended: SessionEvent[] }> {
    const [ids, numbers] = await Promise.all([
      this.idsIn(this.#keys.live(subject)),
      this.#send('ZRANGE', this.#keys.endings(subject), '0', String(mostEnded - 1), 'REV'),
    ]);
    const [sessions, ended] = await Promise.all([this.#sessions(ids), this.#events.numbered(subject, listOf(numbers))]);
    const since = this.now() - retention;
    return {
      live: sessions.filter(({ ending }) => ending === undefined).sort((a, b) => b.createdAt - a.createdAt),
      ended: ended
        .map(({ event }) => event)
        .filter(({ at }) => at > since)
        .sort((a, b) => b.at - a.at),
    };
  }

  async page(...[after, most, { state, kind } = {}]: Parameters<Store['page']>): Promise<Page> {
    const records: SessionRecord[] = [];
    const first = after?.charAt(0) ?? '';
    const order = everyPartition.map(characterOf).sort();
    for (const character of order.filter((one) => one >= first)) {
      const known = listOf(await this.#send('ZRANGE', this.#keys.due(partitionOf(character)), '0', '-1'));
      const ids = known.filter((id) => id !== null && id > (after ?? '')).sort();
      for (let from = 0; from < ids.length && records.length < most; from += most) {
        const read = await this.#sessions(ids.slice(from, from + most).filter((id) => id !== null));
        records.push(
          ...read.filter(
            (record) => (state ?? stateOf(record)) === stateOf(record) && (kind ?? record.kind) === record.kind,
          ),
        );
      }
      if (records.length >= most) break;
    }
    const page = records.slice(0, most);
    return { records: page, after: page.length < most ? null : (page.at(-1)?.id ?? null) };
  }

  /** A partition's node said at `at` what was asked at `sent`, and it has just arrived. Of many clocks one is followed. */
  learnTime(partition: number, at: number, sent: number): void {
    if (!this.#cluster || partition === 0) this.#ahead = aheadBy(this.#ahead, at, sent);
  }

  /** By the clock that a partition's writes are judged by: in a cluster that of its own node. */
  async time(partition: number): Promise<number> {
    if (this.#given) return this.#given();
    const sent = Date.now();
    const now = Number(textOf(await run(this.#send, 'time', [this.#keys.counts(partition)], [])));
    this.learnTime(partition, now, sent);
    return now;
  }
}
