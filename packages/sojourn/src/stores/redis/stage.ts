import { isTerminal } from '../../lifecycle/events.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { dueAt, retention } from '../rows.ts';
import type { Stage } from '../staged/engine.ts';
import type { Keys } from './keys.ts';
import { buried, encodeSession, encodeSubject, guardOf, guardWidth, stampOf, stampWidth } from './values.ts';

const day = 86_400_000;

interface Part {
  readonly counts: string;
  readonly list: string;
  readonly changes: string;
  readonly channel: string;
  readonly changed: string[];
  anonymous: number;
  readonly events: object[];
  /** Lists of numbers that grow, and until when they are kept. */
  readonly pasts: Map<string, number>;
  subject?: { readonly key: string; readonly body: string; readonly keep?: string };
}

/** A decision as the keys and the text that the script `commit` takes. */
export class StageWriter {
  readonly #keys: Keys;
  readonly #stage: Stage;
  readonly #given: (() => number) | null;
  readonly #unreadable: ReadonlyMap<string, string>;
  readonly #touched = new Set<string>();
  readonly #commands: string[][] = [];
  readonly #counters: { key: string; is: number }[] = [];
  readonly #parts = new Map<number, Part>();

  constructor(keys: Keys, stage: Stage, given: (() => number) | null, unreadable: ReadonlyMap<string, string>) {
    this.#keys = keys;
    this.#unreadable = unreadable;
    this.#stage = stage;
    this.#given = given;
  }

  /** The past of a subject, to be written anew if the partition's counter still stands where it was read. */
  erase(subject: string, counter: number, events: readonly { number: number; old: string; now: string }[]): void {
    const list = this.#keys.eventsOf(subject);
    this.#counters.push({ key: this.#keys.counts(this.#keys.partition(this.#keys.characterOf(subject))), is: counter });
    for (const { number, old, now } of events) {
      this.#command('ZREM', list, old);
      this.#command('ZADD', list, String(number), `${number}:${now}`);
    }
    this.#command('DEL', this.#keys.history(subject));
    this.#command('DEL', this.#keys.endings(subject));
  }

  written(): { keys: string[]; text: string } {
    const stage = this.#stage;
    this.#count();
    this.#tell();
    for (const record of [...stage.insert, ...stage.replace]) this.#write(record);
    for (const id of stage.remove) this.#remove(id);
    for (const [id, until] of stage.bury) {
      this.#command('SET', this.#keys.session(id), buried(this.#unreadable.get(id) ?? ''));
      const subject = stage.removed.get(id) ?? null;
      if (subject !== null) this.#index(subject, id, until);
    }
    for (const [id, until] of [...stage.bury, ...stage.defer]) {
      this.#command('ZADD', this.#keys.due(partitionOf(id)), String(until), id);
    }
    if (stage.subject && (stage.begins || stage.subject.put)) this.#writeSubject(stage.subject);
    const text = JSON.stringify({
      before: Number.isFinite(stage.before) ? stage.before : Number.MAX_SAFE_INTEGER,
      mark: stage.mark,
      guards: this.#guards(),
      counters: this.#counters,
      partitions: [...this.#parts.values()].map((part) => ({
        ...part,
        pasts: [...part.pasts].map(([key, until]) => ({ key, keep: this.#until(until) })),
      })),
      commands: this.#commands,
    });
    return { keys: [...this.#touched], text };
  }

  #count(): void {
    for (const [partition, { changed, anonymous }] of this.#stage.counts) {
      const part = this.#part(partition);
      part.changed.push(...changed);
      part.anonymous += anonymous;
    }
  }

  #tell(): void {
    for (const { partition, number, event } of this.#stage.events) {
      const { subject, at } = event;
      const { events, pasts } = this.#part(partition);
      const told = { number, body: JSON.stringify(event) };
      if (subject === null) events.push(told);
      else {
        const past = this.#touch(isTerminal(event) ? this.#keys.endings(subject) : this.#keys.history(subject));
        events.push({ ...told, past });
        // Longer than the events, which the sweep forgets.
        pasts.set(past, Math.max(pasts.get(past) ?? 0, at + retention + day));
      }
    }
  }

  #guards(): object[] {
    const sessions = this.#stage.guards.map(({ id, version, lastSeenAt }) => ({
      key: this.#touch(this.#keys.session(id)),
      width: guardWidth,
      is: this.#unreadable.get(id)?.slice(0, guardWidth) ?? guardOf(version, lastSeenAt),
    }));
    const { subject } = this.#stage;
    if (subject === null) return sessions;
    const key = this.#touch(this.#keys.subject(subject.subject));
    return [...sessions, { key, width: stampWidth, is: stampOf(subject.stamp) }];
  }

  #write(record: SessionRecord): void {
    this.#command('SET', this.#keys.session(record.id), encodeSession(record));
    this.#command('ZADD', this.#keys.due(partitionOf(record.id)), String(dueAt(record)), record.id);
    if (record.subject === null) return;
    if (record.ending) this.#index(record.subject, record.id, dueAt(record));
    else this.#command('ZADD', this.#keys.live(record.subject), String(record.expiresAt), record.id);
  }

  /** Among its subject's tombstones from now on. */
  #index(subject: string, id: string, until: number): void {
    const tombstones = this.#keys.tombstones(subject);
    this.#command('ZREM', this.#keys.live(subject), id);
    this.#command('ZADD', tombstones, String(until), id);
    // The sweep removes them when they are due; what is still there so long after, it never had.
    this.#command('ZREMRANGEBYSCORE', tombstones, '-inf', String(this.#stage.now - retention));
  }

  #remove(id: string): void {
    const subject = this.#stage.removed.get(id) ?? null;
    this.#command('DEL', this.#keys.session(id));
    this.#command('ZREM', this.#keys.due(partitionOf(id)), id);
    if (subject === null) return;
    this.#command('ZREM', this.#keys.live(subject), id);
    this.#command('ZREM', this.#keys.tombstones(subject), id);
  }

  /** Its stamp is the partition's counter, so it never comes again. */
  #writeSubject({ subject, record }: { readonly subject: string; readonly record: SubjectRecord | null }): void {
    const part = this.#part(this.#keys.partition(this.#keys.characterOf(subject)));
    if (part.changed.length === 0) part.changed.push('');
    const key = this.#touch(this.#keys.subject(subject));
    if (record === null) {
      part.subject = { key, body: '', keep: this.#until(this.#stage.now + day) };
      return;
    }
    // Longer than any sign-in waits for its second factor.
    const until = Math.max(this.#stage.now, record.kept?.until ?? 0) + retention;
    const names = this.#keys.subjects(this.#keys.partition(this.#keys.characterOf(subject)));
    this.#command('ZADD', names, record.disabled ? '+inf' : String(until), subject);
    this.#command('ZREMRANGEBYSCORE', names, '-inf', String(this.#stage.now));
    part.subject = { key, body: encodeSubject(record), ...(record.disabled ? {} : { keep: this.#until(until) }) };
  }

  #part(partition: number): Part {
    const known = this.#parts.get(partition) ?? {
      counts: this.#touch(this.#keys.counts(partition)),
      list: this.#touch(this.#keys.events(partition)),
      changes: this.#touch(this.#keys.changes(partition)),
      channel: this.#keys.channel(partition),
      changed: [],
      anonymous: 0,
      events: [],
      pasts: new Map(),
    };
    this.#parts.set(partition, known);
    return known;
  }

  #command(name: string, key: string, ...args: string[]): void {
    this.#commands.push([name, this.#touch(key), ...args]);
  }

  #touch(key: string): string {
    this.#touched.add(key);
    return key;
  }

  /** When a key may go, by the machine's clock also where a test gives another. */
  #until(at: number): string {
    return String(this.#given ? at - this.#given() + Date.now() : at);
  }
}
