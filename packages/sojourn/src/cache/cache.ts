import type { Beat, Clock, Hash, MaybePromise, Near, Remembered, Store } from '../lifecycle/ports.ts';
import type { SessionRecord } from '../lifecycle/session.ts';
import { partitionOf, partitionOfSubject, partitions } from '../lifecycle/token.ts';
import { type CacheCounts, Lags } from './counts.ts';
import { Entries } from './entries.ts';
import { countsOf, type Proof, ProofByBeats, ProofByTurn, type ProofLimits } from './proof.ts';
import { provedFind } from './proved-reads.ts';
import { SharedReads } from './reads.ts';

export interface CacheLimits extends ProofLimits {
  readonly bytes: number;
  /** Told once when the engine's clock and this machine's have come apart, with how far it is ahead. */
  readonly skewed: (ahead: number) => void;
}

/** How things were when a read began. */
interface Before {
  readonly drops: number;
  /** The engine's time. */
  readonly at: number;
}

/** Clocks further apart than this, in milliseconds, are somebody's mistake. */
const mostSkew = 2000;

/**
 * Sessions that this process has read, served as long as it is proved that they have not changed. `store` is
 * the engine with what keeps this true: what it reads is remembered, what it writes is dropped.
 */
export class NearCache implements Near {
  readonly store: Store;
  readonly #engine: Store;
  readonly #clock: Clock;
  readonly #hash: Hash;
  readonly #entries: Entries;
  readonly #proof: Proof;
  /** `null`: what is read on this machine is the truth. */
  readonly #reads: SharedReads<SessionRecord | null> | null;
  readonly #lags = new Lags();
  readonly #stopListening: () => void;
  /** Raised by whatever is dropped from a partition, so that a read which began before is not kept. */
  readonly #drops = new Uint32Array(partitions);
  readonly #bypasses = { unproved: 0, fresh: 0, verdict: 0 };
  readonly #skewed: (ahead: number) => void;
  #isSkewed = false;
  #hits = 0;
  #misses = 0;
  #overtaken = 0;
  #partitionsLost = 0;
  #beaten = false;

  constructor(engine: Store, clock: Clock, hash: Hash, limits: CacheLimits) {
    this.#engine = engine;
    this.#clock = clock;
    this.#hash = hash;
    this.#skewed = limits.skewed;
    this.#entries = new Entries(limits.bytes);
    const apply = (beat: Beat): void => this.#apply(beat);
    if (engine.distance === 'machine') {
      this.#proof = new ProofByTurn(engine, clock, apply);
      this.#reads = null;
    } else {
      const proof = new ProofByBeats(engine, clock, limits, apply);
      this.#proof = proof;
      this.#reads = new SharedReads(clock, async (id) => {
        const before = this.#before(id);
        return this.#keep(id, await provedFind(engine, proof, id), before);
      });
    }
    this.#stopListening = engine.listen((changed) => {
      for (const { id, at } of changed) this.#drop(id, at);
    });
    this.store = this.#through();
  }

  get(id: string): Remembered | null {
    // The proof first: it drops what has changed.
    const partition = partitionOf(id);
    const proved = this.#proof.holds(partition);
    const remembered = this.#entries.get(id, partition);
    if (remembered === null) this.#misses += 1;
    else if (!proved) this.#bypasses.unproved += 1;
    else this.#hits += 1;
    return proved ? remembered : null;
  }

  bypassed(why: 'fresh' | 'verdict'): void {
    this.#bypasses[why] += 1;
    if (why === 'verdict') this.#hits -= 1;
  }

  get counts(): CacheCounts {
    return {
      hits: this.#hits,
      misses: this.#misses,
      bypasses: { ...this.#bypasses },
      overtaken: this.#overtaken,
      evicted: this.#entries.evicted,
      entries: this.#entries.size,
      bytes: this.#entries.bytes,
      ...countsOf(this.#proof),
      partitionsLost: this.#partitionsLost,
      clockAhead: this.#ahead,
      lag: this.#lags.counts,
    };
  }

  #find(id: string): MaybePromise<SessionRecord | null> {
    if (this.#reads !== null) return this.#reads.read(id);
    const before = this.#before(id);
    const found = this.#engine.find(id);
    return found instanceof Promise
      ? found.then((record) => this.#keep(id, record, before))
      : this.#keep(id, found, before);
  }

  /** Absent and ended are never remembered. */
  #keep(id: string, record: SessionRecord | null, { drops, at }: Before): SessionRecord | null {
    if (record === null || record.ending) return record;
    if (this.#dropsOf(id) === drops) this.#entries.set(record, at);
    else this.#overtaken += 1;
    return record;
  }

  #before(id: string): Before {
    return { drops: this.#dropsOf(id), at: this.#engine.now() };
  }

  #dropsOf(id: string): number {
    return this.#drops[partitionOf(id)] ?? 0;
  }

  #drop(id: string, at = 0): void {
    this.#overtake(partitionOf(id));
    const readAt = this.#entries.delete(id);
    // What was read after the change has it already: it is told a second time, by the beat after the announcement.
    if (readAt !== null && at >= readAt) this.#lags.add(Math.max(0, this.#engine.now() - at));
  }

  #dropSubject(subject: string): void {
    const partition = partitionOfSubject(this.#hash, subject);
    this.#overtake(partition);
    this.#entries.deleteSubject(partition, subject);
  }

  #overtake(partition: number): void {
    this.#drops[partition] = (this.#drops[partition] ?? 0) + 1;
  }

  #apply({ changed, lost }: Beat): void {
    for (const { id, at } of changed) this.#drop(id, at);
    for (const partition of lost) {
      this.#overtake(partition);
      this.#entries.clear(partition);
    }
    // Of the first beat nothing was known before.
    if (this.#beaten) this.#partitionsLost += lost.length;
    this.#beaten = true;
    this.#watchClock();
  }

  #watchClock(): void {
    const ahead = this.#ahead;
    const isSkewed = Math.abs(ahead) > mostSkew;
    if (isSkewed && !this.#isSkewed) this.#skewed(ahead);
    this.#isSkewed = isSkewed;
  }

  get #ahead(): number {
    return this.#engine.now() - this.#clock.now();
  }

  /** What this process writes is dropped before it is answered, also where the answer is that nobody knows. */
  #through(): Store {
    const engine = this.#engine;
    const dropping = <T>(answer: Promise<T>, drop: () => void): Promise<T> => answer.finally(drop);
    const ofSubject = <T>(subject: string, answer: Promise<T>): Promise<T> =>
      dropping(answer, () => this.#dropSubject(subject));
    return {
      name: engine.name,
      distance: engine.distance,
      now: () => engine.now(),
      // Nothing is remembered of what a transaction sees, nor shared.
      find: (id, tx) => (tx === undefined ? this.#find(id) : engine.find(id, tx)),
      subject: (subject) => engine.subject(subject),
      list: (subject) => engine.list(subject),
      page: (...given) => engine.page(...given),
      subjects: (...given) => engine.subjects(...given),
      events: (...given) => engine.events(...given),
      cursor: () => engine.cursor(),
      beat: (known) => engine.beat(known),
      watch: (changed) => engine.watch(changed),
      listen: (changed) => engine.listen(changed),
      note: (notices) => engine.note(notices),
      create: (session, options) =>
        engine
          .create(session, options)
          .then((result) => {
            if (result.outcome === 'created') for (const { id } of result.ended) this.#drop(id);
            return result;
          })
          .catch((error: unknown) => {
            // The limit may have ended others.
            if (session.subject !== null) this.#dropSubject(session.subject);
            throw error;
          })
          .finally(() => options.replaces && this.#drop(options.replaces.id)),
      update: (id, ...given) => dropping(engine.update(id, ...given), () => this.#drop(id)),
      end: (id, options) => dropping(engine.end(id, options), () => this.#drop(id)),
      endAll: (subject, options) => ofSubject(subject, engine.endAll(subject, options)),
      enable: (subject, options) => ofSubject(subject, engine.enable(subject, options)),
      setPermissions: (subject, ...given) => ofSubject(subject, engine.setPermissions(subject, ...given)),
      purge: (subject, options) => ofSubject(subject, engine.purge(subject, options)),
      adopt: (sessions, subjects, options) =>
        dropping(engine.adopt(sessions, subjects, options), () => {
          for (const { id } of sessions) this.#drop(id);
          for (const { subject } of subjects) this.#dropSubject(subject);
        }),
      sweep: async (most) => {
        const swept = await engine.sweep(most);
        for (const { id } of swept.expired) this.#drop(id);
        return swept;
      },
      touch: async (touches) => {
        await engine.touch(touches);
        for (const { id, seenAt } of touches) this.#entries.seen(id, seenAt);
      },
      close: () => {
        this.#proof.close();
        this.#stopListening();
        return engine.close();
      },
    };
  }
}
