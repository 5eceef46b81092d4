import { SojournError } from '../../lifecycle/errors.ts';
import type { Beat, Mark, SubjectsPage, Touch } from '../../lifecycle/ports.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { Announcements, type Hear } from '../announcements.ts';
import { beatOf, type ChangesSince } from '../changes.ts';
import { partitionOfSubject } from '../partition.ts';
import type { DecidedOn } from '../staged/decisions.ts';
import type { Engine, Loaded, Stage, StampedSubject, Wanted } from '../staged/engine.ts';
import { Watchers } from '../staged/watchers.ts';
import { commitAcross } from './across.ts';
import { type Send, textOf } from './client.ts';
import type { Confirming } from './confirming.ts';
import type { PrimariesSeen } from './connection.ts';
import { erasePast } from './erase.ts';
import { EventLog, everyPartition } from './events.ts';
import type { Keys } from './keys.ts';
import { type Records, RedisReader } from './reader.ts';
import { Endings } from './repeat.ts';
import { run } from './scripts.ts';
import { StageWriter } from './stage.ts';
import { subjectsPage } from './subjects.ts';
import { Sweeping } from './sweeping.ts';
import { changesOf } from './values.ts';
import { Visitors } from './visitors.ts';

/** Sessions touched by one script: Redis does nothing else meanwhile. */
const touchedAtOnce = 200;

const nothing: Records = { sessions: [], unreadable: [] };

interface Claimed extends Records {
  readonly partition: number | null;
  readonly more: boolean;
}

const nothingClaimed: Claimed = { ...nothing, partition: null, more: false };

export interface RedisParts {
  readonly send: Send;
  readonly keys: Keys;
  readonly epoch: string;
  readonly cluster: boolean;
  readonly given: (() => number) | null;
  /** Commits and waits until enough replicas have it; `null`: nobody asks for that. */
  readonly confirming: Pick<Confirming, 'commit'> | null;
  readonly watchEvery: number;
  readonly primaries: () => Promise<PrimariesSeen>;
  readonly hear: Hear | null;
}

export class RedisEngine implements Engine {
  readonly name = 'redis';
  readonly #send: Send;
  readonly #keys: Keys;
  readonly #events: EventLog;
  readonly #reader: RedisReader;
  readonly #cluster: boolean;
  readonly #epoch: string;
  readonly #given: (() => number) | null;
  readonly #confirming: RedisParts['confirming'];
  readonly #announcements: Announcements;
  readonly #onePartition: DecidedOn;
  readonly #watchers: Watchers;
  /** What this process has ended lately, to be said again after a failover: `repeat`. */
  readonly endings: Endings;
  readonly #visitors: Visitors;
  readonly #sweeping: Sweeping;
  #closed = false;

  constructor({ send, keys, epoch, cluster, given, confirming, watchEvery, primaries, hear }: RedisParts) {
    this.#confirming = confirming;
    this.#cluster = cluster;
    this.#epoch = epoch;
    this.#send = async (...command) => {
      if (this.#closed) throw new SojournError('store_unavailable', 'The redis store is closed.');
      return send(...command);
    };
    this.#keys = keys;
    this.#events = new EventLog(this.#send, keys, epoch);
    this.#reader = new RedisReader({ send: this.#send, keys, cluster, given }, this.#events);
    this.#given = given;
    this.#visitors = new Visitors({ count: () => this.#countVisitors() });
    this.#sweeping = new Sweeping(this.#send, keys, given);
    this.#announcements = new Announcements(hear);
    this.#watchers = new Watchers(() => this.#events.state(), watchEvery, this.#announcements);
    this.endings = new Endings({ engine: this, primaries });
    this.#onePartition = {
      name: this.name,
      now: () => this.now(),
      load: (wanted) => this.load(wanted),
      commit: (stage) => this.#commitPart(stage),
      commitEach: (stages) => Promise.all(stages.map((stage) => this.#commitPart(stage))),
    };
  }

  now(): number {
    return this.#reader.now();
  }

  find(...given: Parameters<RedisReader['find']>): ReturnType<RedisReader['find']> {
    return this.#reader.find(...given);
  }

  subject(subject: string): ReturnType<RedisReader['subject']> {
    return this.#reader.subject(subject);
  }

  list(subject: string): ReturnType<RedisReader['list']> {
    return this.#reader.list(subject);
  }

  page(...given: Parameters<RedisReader['page']>): ReturnType<RedisReader['page']> {
    return this.#reader.page(...given);
  }

  subjects(after: string | null, most: number): Promise<SubjectsPage> {
    return subjectsPage(this.#send, this.#keys, after, most);
  }

  events(...given: Parameters<EventLog['events']>): ReturnType<EventLog['events']> {
    return this.#events.events(...given);
  }

  cursor(): Promise<string> {
    return this.#events.cursor();
  }

  async beat(known: Mark | null): Promise<Beat> {
    const groups = this.#cluster ? everyPartition.map((partition) => [partition]) : [everyPartition];
    const answers = await Promise.allSettled(groups.map((group) => this.#changesSince(known, group)));
    if (answers.every(({ status }) => status === 'rejected')) {
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    }
    const logs = answers.flatMap((answer, group) =>
      answer.status === 'fulfilled' ? answer.value : (groups[group] ?? []).map(() => null),
    );
    return beatOf(this.#epoch, known, logs);
  }

  /** Of partitions in one slot, or of all where there are no slots. */
  async #changesSince(known: Mark | null, group: readonly number[]): Promise<ChangesSince[]> {
    const sent = Date.now();
    const names = group.flatMap((partition) => [this.#keys.counts(partition), this.#keys.changes(partition)]);
    const numbers = group.map((partition) => String(known?.numbers[partition] ?? ''));
    const answer = await run(this.#send, 'beat', names, [String(this.#given?.() ?? ''), ...numbers]);
    const [time, ...logs] = Array.isArray(answer) ? answer : [];
    this.#reader.learnTime(group[0] ?? 0, Number(textOf(time)), sent);
    return logs.map(changesOf);
  }

  async load(wanted: Wanted): Promise<Loaded> {
    const { ids = [], subject, tombstones = false, owners = false, anonymous, due } = wanted;
    const place = subject === undefined ? partitionOf(ids[0] ?? 'A') : partitionOfSubject(subject);
    const claimed = due === undefined ? nothingClaimed : await this.#claim(this.now(), due);
    const [now, given, { stamped, ...ofSubject }, visitors] = await Promise.all([
      this.#reader.time(claimed.partition ?? place),
      this.#reader.records(ids),
      subject === undefined ? { ...nothing, stamped: null } : this.#ofSubject(subject, tombstones),
      anonymous === undefined ? 0 : this.#visitors.reserve(ids[0] ?? '', anonymous),
    ]);
    const every = [given, ofSubject, claimed];
    const sessions = new Map(every.flatMap((some) => some.sessions.map((record) => [record.id, record])));
    const unreadable = new Map(every.flatMap((some) => some.unreadable.map((row) => [row.id, row])));
    const subjects = new Map<string, StampedSubject>(subject !== undefined && stamped ? [[subject, stamped]] : []);
    if (owners) {
      for (const owner of new Set(given.sessions.flatMap((record) => record.subject ?? []))) {
        subjects.set(owner, await this.#reader.stamped(owner));
      }
    }
    return {
      now,
      sessions: [...sessions.values()],
      subjects,
      anonymous: visitors,
      due: [...claimed.sessions, ...claimed.unreadable].map(({ id }) => id),
      more: claimed.more,
      unreadable: [...unreadable.values()],
    };
  }

  /** The stamp is read before the lists that it guards: who signs in between changes it. */
  async #ofSubject(subject: string, tombstones: boolean): Promise<Records & { readonly stamped: StampedSubject }> {
    const stamped = await this.#reader.stamped(subject);
    const live = await this.#reader.recordsIn(this.#keys.live(subject), subject);
    if (!tombstones) return { stamped, ...live };
    // After the live ones: what ends between the two looks is seen twice rather than not at all.
    const ended = await this.#reader.recordsIn(this.#keys.tombstones(subject), subject);
    return {
      stamped,
      sessions: [...live.sessions, ...ended.sessions],
      unreadable: [...live.unreadable, ...ended.unreadable],
    };
  }

  async #claim(now: number, most: number): Promise<Claimed> {
    const { ids, partition, more } = await this.#sweeping.claim(now, most);
    return { ...(await this.#reader.recordsOf(this.#keys.due(partition), ids)), partition, more };
  }

  async #countVisitors(): Promise<number> {
    const counts = await Promise.all(
      everyPartition.map((partition) => this.#send('HGET', this.#keys.counts(partition), 'anonymous')),
    );
    return counts.reduce<number>((sum, count) => sum + Number(count ?? 0), 0);
  }

  async commit(stage: Stage, until?: number): Promise<boolean> {
    const committed = await (this.#cluster ? commitAcross(this.#onePartition, stage, until) : this.#commitPart(stage));
    const visitors = [...stage.counts.values()].reduce((sum, { anonymous }) => sum + anonymous, 0);
    this.#visitors.settled(
      stage.insert.map(({ id }) => id),
      committed ? visitors : 0,
    );
    if (!committed) return false;
    this.endings.remember(stage);
    if (stage.erase !== null) await erasePast(this.#send, this.#keys, this.#events, stage.erase);
    queueMicrotask(() => this.#watchers.changed());
    return true;
  }

  commitEach(stages: readonly Stage[]): Promise<readonly boolean[]> {
    return Promise.all(stages.map((stage) => this.commit(stage)));
  }

  async #commitPart(stage: Stage): Promise<boolean> {
    const { keys, text } = new StageWriter(this.#keys, stage, this.#given).encode();
    const given = [String(this.#given?.() ?? ''), text];
    const commit = this.#confirming?.commit(keys, given) ?? run(this.#send, 'commit', keys, given);
    return Number(await commit) === 1;
  }

  async touch(touches: readonly Touch[]): Promise<void> {
    const groups = this.#cluster ? [...Map.groupBy(touches, ({ id }) => partitionOf(id)).values()] : [touches];
    for (const some of groups.flatMap(batches)) {
      const keys = some.map(({ id }) => this.#keys.session(id));
      await run(
        this.#send,
        'touch',
        keys,
        some.map(({ seenAt }) => String(seenAt)),
      );
    }
  }

  forget(before: number, most: number): Promise<number> {
    return this.#sweeping.forget(before, most);
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
    this.endings.stop();
    this.#announcements.close();
  }
}

function batches(touches: readonly Touch[]): (readonly Touch[])[] {
  const parts = Math.ceil(touches.length / touchedAtOnce);
  return Array.from({ length: parts }, (_, part) => touches.slice(part * touchedAtOnce, (part + 1) * touchedAtOnce));
}
