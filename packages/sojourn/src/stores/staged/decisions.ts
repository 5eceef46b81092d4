import { SojournError } from '../../lifecycle/errors.ts';
import type { Asked } from '../../lifecycle/ports.ts';
import { changeSubject, checkInTime } from '../operations.ts';
import type { Engine, Loaded, Stage, Wanted } from './engine.ts';
import { writeInParts } from './in-parts.ts';
import { StagedRows } from './rows.ts';

/** Decided again this often at most; beyond it the engine is busier than anybody should wait for. */
const mostAttempts = 50;

/** So many of one subject are decided and written at once: each brings a session and may end another. */
const mostTogether = 32;

/** What it takes of an engine to decide on it. */
export type DecidedOn = Pick<Engine, 'name' | 'now' | 'load' | 'commit' | 'commitEach'>;

/** Loads, decides, commits; and decides again when something has changed meanwhile. */
export class Decisions {
  readonly #engine: DecidedOn;
  /** Writes about one subject or session go one after another from this process, so that they seldom conflict. */
  readonly #last = new Map<string, Promise<unknown>>();
  /** By subject, those that wait for their turn to be written together. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(engine: DecidedOn) {
    this.#engine = engine;
  }

  readonly decide = <T>(
    wanted: Wanted,
    operation: (rows: StagedRows, now: number) => T,
    { until = Number.POSITIVE_INFINITY }: Asked = {},
  ): Promise<T> => this.#inTurn(wanted, until, () => this.#attempts(wanted, operation, until));

  /**
   * A session more for a subject, whose sign-ins may come in storms: all that wait while one is written are
   * decided in turn on what was loaded once, and written as one. They must bear to be decided twice.
   */
  readonly decideTogether = <T>(
    { id, subject }: { readonly id: string; readonly subject: string },
    operation: (rows: StagedRows, now: number) => T,
    { until = Number.POSITIVE_INFINITY }: Asked = {},
  ): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const decide: Waiting['decide'] = (rows, now) => {
        const result = operation(rows, now);
        return () => resolve(result);
      };
      const one: Waiting = { id, until, decide, reject };
      const waiting = this.#waiting.get(subject);
      if (waiting) waiting.push(one);
      else {
        this.#waiting.set(subject, [one]);
        this.#writeWaiting(subject, until);
      }
    });

  /** Of all sessions of a subject, which may be many: part by part, so that the engine does not stand still for all others. */
  readonly decideInParts = <T extends { readonly id: string }>(
    wanted: Wanted,
    operation: (rows: StagedRows, now: number) => readonly T[],
    { until = Number.POSITIVE_INFINITY }: Asked = {},
  ): Promise<readonly T[]> =>
    this.#inTurn(wanted, until, async () => {
      let commits = 0;
      const load = (): Promise<Loaded> => this.#load(wanted, until);
      const commit = async (stage: Stage): Promise<boolean> => {
        const committed = await this.#commit(stage, until);
        if (committed) commits += 1;
        return committed;
      };
      const done = (await writeInParts({ load, commit, mostAttempts }, operation)) ?? this.#overtaken();
      const { subject } = wanted;
      if (commits > 1 && subject !== undefined) {
        // What one that was still to be written has begun between two parts, acting as somebody else, must be older than this, too.
        await this.#attempts({ subject }, (rows, now) => changeSubject(rows, now, subject, {}), until);
      }
      return done;
    });

  /** About one partition and nothing in common: each for itself, in as few trips as there can be. */
  readonly decideEach = async <T>(
    questions: readonly Question<T>[],
    { until = Number.POSITIVE_INFINITY }: Asked = {},
  ): Promise<T[]> => {
    const results: T[] = [];
    let left = questions;
    for (let attempt = 0; attempt < mostAttempts && left.length > 0; attempt++) {
      const decided = await Promise.all(left.map((question) => this.#staged(question, until)));
      const stages = decided.flatMap(({ stage }) => stage ?? []);
      const written = new Set(await this.#commitEach(stages, until));
      const done = decided.filter(({ stage }) => stage === null || written.has(stage));
      results.push(...done.map(({ result }) => result));
      left = decided.filter((one) => !done.includes(one)).map(({ question }) => question);
    }
    return left.length === 0 ? results : this.#overtaken();
  };

  async #staged<T>(question: Question<T>, until: number): Promise<Staged<T>> {
    const loaded = await this.#load(question.wanted, until);
    const rows = new StagedRows(loaded);
    return { question, result: question.operation(rows, loaded.now), stage: rows.stage() };
  }

  /** Those that were written. */
  async #commitEach(stages: readonly Stage[], until: number): Promise<readonly Stage[]> {
    if (stages.length === 0) return [];
    checkInTime(this.#engine.now(), until);
    const committed = await this.#engine.commitEach(stages.map((stage) => inTime(stage, until)));
    return stages.filter((_, index) => committed[index]);
  }

  #writeWaiting(subject: string, until: number): void {
    const write = async (): Promise<void> => {
      const waiting = this.#waiting.get(subject) ?? [];
      const now = waiting.splice(0, mostTogether);
      const [next] = waiting;
      if (next === undefined) this.#waiting.delete(subject);
      else this.#writeWaiting(subject, next.until);
      await this.#together(subject, now);
    };
    void this.#inTurn({ subject }, until, write);
  }

  /**
   * Each learns what became of it. One that throws is told so, and the others are decided again; where the engine
   * fails or it is too late for one of them, each is by itself.
   */
  async #together(subject: string, waiting: readonly Waiting[]): Promise<void> {
    if (waiting.length === 0) return;
    let refused = waiting.length === 1 ? waiting[0] : undefined;
    const decideAll = (rows: StagedRows, now: number): (() => void)[] =>
      waiting.map((one) => {
        try {
          return one.decide(rows, now);
        } catch (error) {
          refused = one;
          throw error;
        }
      });
    try {
      const wanted = { subject, ids: waiting.map(({ id }) => id) };
      const settled = await this.#attempts(wanted, decideAll, Math.min(...waiting.map(({ until }) => until)));
      for (const settle of settled) settle();
    } catch (error) {
      refused?.reject(error);
      const left = waiting.filter((one) => one !== refused);
      for (const some of refused ? [left] : left.map((one) => [one])) await this.#together(subject, some);
    }
  }

  #inTurn<T>(wanted: Wanted, until: number, write: () => Promise<T>): Promise<T> {
    const key = wanted.subject ?? wanted.ids?.[0] ?? 'sweep';
    const before = this.#last.get(key);
    const mine = (before ?? Promise.resolve()).then(write);
    const done = settledWithin(Math.max(0, until - this.#engine.now()), mine).then(() => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    this.#last.set(key, done);
    return mine;
  }

  async #attempts<T>(wanted: Wanted, operation: (rows: StagedRows, now: number) => T, until: number): Promise<T> {
    let claimed: Loaded | null = null;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const loaded: Loaded = await (claimed ? this.#again(claimed, until) : this.#load(wanted, until));
      if (wanted.due !== undefined) claimed ??= { ...loaded, more: loaded.more || loaded.due.length >= wanted.due };
      const rows = new StagedRows(loaded);
      const result = operation(rows, loaded.now);
      const stage = rows.stage();
      if (stage === null || (await this.#commit(stage, until))) return result;
    }
    return this.#overtaken();
  }

  #load(wanted: Wanted, until: number): Promise<Loaded> {
    checkInTime(this.#engine.now(), until);
    return this.#engine.load(wanted);
  }

  #commit(stage: Stage, until: number): Promise<boolean> {
    checkInTime(this.#engine.now(), until);
    return this.#engine.commit(inTime(stage, until), until);
  }

  #overtaken(): never {
    throw new SojournError(
      'store_unavailable',
      `${this.#engine.name}: ${mostAttempts} times another write came first.`,
    );
  }

  /** What was claimed, as it is now: claimed anew it would not be, for everybody passes over it for a while. */
  async #again({ due, more }: Loaded, until: number): Promise<Loaded> {
    const loaded = await this.#load({ ids: due }, until);
    const there = new Set([...loaded.sessions, ...loaded.unreadable].map(({ id }) => id));
    return { ...loaded, due: due.filter((id) => there.has(id)), more };
  }
}

/** A client that was offline may send it late: then it does nothing. */
function inTime(stage: Stage, until: number): Stage {
  return { ...stage, before: Math.min(stage.before, Math.floor(until)) };
}

/** One of those that are written together. */
interface Waiting {
  readonly id: string;
  readonly until: number;
  /** Answers what to tell it once it is written. */
  readonly decide: (rows: StagedRows, now: number) => () => void;
  readonly reject: (error: unknown) => void;
}

/** What to load, and what to decide about it. */
interface Question<T> {
  readonly wanted: Wanted;
  readonly operation: (rows: StagedRows, now: number) => T;
}

interface Staged<T> {
  readonly question: Question<T>;
  readonly result: T;
  readonly stage: Stage | null;
}

/** Longer, it would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** Resolves when the write has settled, or when nobody waits for it any more: a connection may never answer. */
function settledWithin(time: number, write: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = Number.isFinite(time) ? setTimeout(resolve, Math.min(time, longestTimer)).unref() : undefined;
    const settled = (): void => {
      clearTimeout(timer);
      resolve();
    };
    write.then(settled, settled);
  });
}
