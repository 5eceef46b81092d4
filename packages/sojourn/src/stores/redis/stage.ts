import { isTerminal } from '../../lifecycle/events.ts';
import type { SubjectRecord } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { partitionOfSubject } from '../partition.ts';
import { dueAt, retention } from '../rows.ts';
import type { Stage } from '../staged/engine.ts';
import { bodyOf } from './events.ts';
import type { Keys } from './keys.ts';
import { encodeSession, encodeSubject, encodeWithoutData, guardOf, guardWidth, stampOf, stampWidth } from './values.ts';

const day = 86_400_000;
/** Members of one list in one command: Lua takes a few thousand arguments and no more. */
const mostMembers = 500;

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
  readonly #used = new Set<string>();
  readonly #commands: string[][] = [];
  readonly #members = new Map<string, { readonly name: string; readonly key: string; readonly members: string[] }>();
  readonly #recordsOnly: { key: string; text: string }[] = [];
  readonly #parts = new Map<number, Part>();

  constructor(keys: Keys, stage: Stage, given: (() => number) | null) {
    this.#keys = keys;
    this.#stage = stage;
    this.#given = given;
  }

  encode(): { keys: string[]; text: string } {
    const stage = this.#stage;
    this.#count();
    this.#tell();
    for (const record of stage.insert) this.#insert(record);
    for (const record of stage.replace) this.#write(record);
    for (const id of stage.remove) this.#remove(id);
    for (const [id, until] of stage.bury) this.#bury(id, until);
    for (const [id, until] of stage.defer) this.#add(this.#keys.due(partitionOf(id)), until, id);
    if (stage.subject && (stage.begins || stage.subject.put)) this.#writeSubject(stage.subject);
    const text = JSON.stringify({
      before: Number.isFinite(stage.before) ? stage.before : Number.MAX_SAFE_INTEGER,
      mark: stage.mark,
      guards: this.#guards(),
      partitions: [...this.#parts.values()].map((part) => ({
        ...part,
        pasts: [...part.pasts].map(([key, until]) => ({ key, keep: this.#until(until) })),
      })),
      recordsOnly: this.#recordsOnly,
      bury: [...stage.bury.keys()].map((id) => this.#keys.session(id)),
      commands: [...this.#commands, ...this.#membersInTurn()],
    });
    return { keys: [...this.#used], text };
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
      const told = { number, body: bodyOf(event, this.#stage.mark) };
      if (subject === null) events.push(told);
      else {
        const past = this.#use(isTerminal(event) ? this.#keys.endings(subject) : this.#keys.history(subject));
        events.push({ ...told, past });
        // Longer than the events, which the sweep forgets.
        pasts.set(past, Math.max(pasts.get(past) ?? 0, at + retention + day));
      }
    }
  }

  #guards(): object[] {
    const sessions = this.#stage.guards.map(({ id, version, lastSeenAt, head }) => ({
      key: this.#use(this.#keys.session(id)),
      width: head?.length ?? guardWidth,
      is: head ?? guardOf(version, lastSeenAt),
    }));
    const { subject } = this.#stage;
    if (subject === null) return sessions;
    const key = this.#use(this.#keys.subject(subject.subject));
    return [...sessions, { key, width: stampWidth, is: stampOf(subject.stamp) }];
  }

  #insert(record: SessionRecord): void {
    const { id, subject, expiresAt, ending } = record;
    this.#write(record);
    if (subject !== null && ending === undefined) this.#add(this.#keys.live(subject), expiresAt, id);
  }

  #write(record: SessionRecord): void {
    const { id, subject } = record;
    const key = this.#keys.session(id);
    if (this.#stage.sameData.has(id) && record.ending === undefined) {
      this.#recordsOnly.push({ key: this.#use(key), text: encodeWithoutData(record) });
    } else this.#command('SET', key, encodeSession(record));
    this.#add(this.#keys.due(partitionOf(id)), dueAt(record), id);
    if (subject !== null && record.ending) this.#toTombstones(subject, id, dueAt(record));
  }

  #bury(id: string, until: number): void {
    const subject = this.#stage.removed.get(id) ?? null;
    this.#use(this.#keys.session(id));
    this.#add(this.#keys.due(partitionOf(id)), until, id);
    if (subject !== null) this.#toTombstones(subject, id, until);
  }

  #toTombstones(subject: string, id: string, until: number): void {
    const tombstones = this.#keys.tombstones(subject);
    this.#drop(this.#keys.live(subject), id);
    // The sweep removes them when they are due; what is still there so long after, it never had.
    this.#once('ZREMRANGEBYSCORE', tombstones, '-inf', String(this.#stage.now - retention));
    this.#add(tombstones, until, id);
  }

  #remove(id: string): void {
    const subject = this.#stage.removed.get(id) ?? null;
    this.#command('DEL', this.#keys.session(id));
    this.#drop(this.#keys.due(partitionOf(id)), id);
    if (subject === null) return;
    this.#drop(this.#keys.live(subject), id);
    this.#drop(this.#keys.tombstones(subject), id);
  }

  /** Its stamp is the partition's counter, so it never comes again. */
  #writeSubject({ subject, record }: { readonly subject: string; readonly record: SubjectRecord | null }): void {
    const partition = partitionOfSubject(subject);
    const part = this.#part(partition);
    if (part.changed.length === 0) part.changed.push('');
    const key = this.#use(this.#keys.subject(subject));
    if (record === null) {
      part.subject = { key, body: '', keep: this.#until(this.#stage.now + day) };
      return;
    }
    // Longer than any sign-in waits for its second factor.
    const until = Math.max(this.#stage.now, record.kept?.until ?? 0) + retention;
    const names = this.#keys.subjects(partition);
    this.#command('ZADD', names, record.disabled ? '+inf' : String(until), subject);
    this.#command('ZREMRANGEBYSCORE', names, '-inf', String(this.#stage.now));
    part.subject = { key, body: encodeSubject(record), ...(record.disabled ? {} : { keep: this.#until(until) }) };
  }

  #part(partition: number): Part {
    const known = this.#parts.get(partition) ?? {
      counts: this.#use(this.#keys.counts(partition)),
      list: this.#use(this.#keys.events(partition)),
      changes: this.#use(this.#keys.changes(partition)),
      channel: this.#keys.channel(partition),
      changed: [],
      anonymous: 0,
      events: [],
      pasts: new Map(),
    };
    this.#parts.set(partition, known);
    return known;
  }

  #add(list: string, score: number, member: string): void {
    this.#membersOf('ZADD', list).push(String(score), member);
  }

  #drop(list: string, member: string): void {
    this.#membersOf('ZREM', list).push(member);
  }

  #membersOf(name: string, key: string): string[] {
    const known = this.#members.get(`${name} ${key}`) ?? { name, key: this.#use(key), members: [] };
    this.#members.set(`${name} ${key}`, known);
    return known.members;
  }

  #membersInTurn(): string[][] {
    return [...this.#members.values()].flatMap(({ name, key, members }) =>
      Array.from({ length: Math.ceil(members.length / mostMembers) }, (_, turn) => [
        name,
        key,
        ...members.slice(turn * mostMembers, (turn + 1) * mostMembers),
      ]),
    );
  }

  #once(...[name, key, ...args]: [string, string, ...string[]]): void {
    if (!this.#commands.some((command) => command[0] === name && command[1] === key)) this.#command(name, key, ...args);
  }

  #command(name: string, key: string, ...args: string[]): void {
    this.#commands.push([name, this.#use(key), ...args]);
  }

  #use(key: string): string {
    this.#used.add(key);
    return key;
  }

  /** When a key may go, by the machine's clock also where a test gives another. */
  #until(at: number): string {
    return String(this.#given ? at - this.#given() + Date.now() : at);
  }
}
