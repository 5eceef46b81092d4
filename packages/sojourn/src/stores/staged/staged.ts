import { SojournError } from '../../lifecycle/errors.ts';
import type { Asked, Store, Swept } from '../../lifecycle/ports.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import * as operations from '../operations.ts';
import { retention } from '../rows.ts';
import { adoptBy } from './adopt.ts';
import type { Engine, Loaded, Wanted } from './engine.ts';
import { StagedRows } from './rows.ts';

/** Decided again this often at most; beyond it the engine is busier than anybody should wait for. */
const mostAttempts = 50;

/** The store port over a networked engine: load, decide, commit. */
export function staged(engine: Engine): Store {
  const { decide } = new Decisions(engine);
  return {
    name: engine.name,
    distance: 'network',
    now: () => engine.now(),
    find: (id) => engine.find(id),
    subject: async (subject) => {
      const known = await engine.subject(subject);
      return { ...known, kept: operations.keptNow(known, engine.now()) };
    },
    list: (subject) => engine.list(subject),
    page: (...given) => engine.page(...given),
    subjects: (...given) => engine.subjects(...given),
    events: (...given) => engine.events(...given),
    cursor: () => engine.cursor(),
    beat: (known) => engine.beat(known),
    watch: (changed) => engine.watch(changed),
    listen: (changed) => engine.listen(changed),
    close: () => engine.close(),
    touch: (touches) => engine.touch(touches),

    create: (session, options) =>
      decide(
        {
          ids: [session.id, ...(options.replaces ? [options.replaces.id] : [])],
          ...(session.subject === null ? { anonymous: options.mostAnonymous } : { subject: session.subject }),
        },
        (rows, now) => {
          rows.boundAnonymous(session.subject === null ? options.mostAnonymous : Number.POSITIVE_INFINITY);
          return operations.create(rows, now, session, options);
        },
        options,
      ),
    update: (id, version, change, options) =>
      decide({ ids: [id] }, (rows, now) => operations.update(rows, now, id, version, change, options), options),
    end: (id, options) =>
      decide(
        { ids: [id], ...(options.keepData ? { owners: true } : {}) },
        (rows, now) => operations.end(rows, now, id, options),
        options,
      ),
    endAll: (subject, options) =>
      decide({ subject }, (rows, now) => operations.endAll(rows, now, subject, options), options),
    enable: (subject, options) =>
      decide({ subject }, (rows, now) => operations.enable(rows, now, subject, options), options),
    setPermissions: (subject, permissions, options) =>
      decide({ subject }, (rows, now) => operations.setPermissions(rows, now, subject, permissions, options), options),
    purge: (subject, options) =>
      decide({ subject, tombstones: true }, (rows, now) => operations.purge(rows, now, subject, options), options),
    adopt: adoptBy(decide),
    // A partition at a time: they have nothing to do with one another.
    async note(notices, asked) {
      for (const some of Map.groupBy(notices, ({ id }) => partitionOf(id)).values()) {
        const ids = some.map(({ id }) => id);
        await decide({ ids }, (rows, now) => operations.note(rows, now, some, asked), asked);
      }
    },
    async sweep(most, asked) {
      const lap: { expired: Swept['expired'][number][]; unreadable: string[]; removed: number } = {
        expired: [],
        unreadable: [],
        removed: 0,
      };
      let more = true;
      for (let left = most; more && left > 0; ) {
        const swept = await decide(
          { due: left },
          (rows, now) => {
            const part = operations.sweep(rows, now, left, asked);
            return { ...part, found: rows.due().length, more: part.more || rows.more };
          },
          asked,
        );
        lap.expired.push(...swept.expired);
        lap.unreadable.push(...swept.unreadable);
        lap.removed += swept.removed;
        more = swept.more;
        left -= Math.max(1, swept.found);
      }
      const forgotten = await engine.forget(engine.now() - retention, most);
      return { ...lap, removed: lap.removed + forgotten, more: more || forgotten >= most };
    },
  };
}

class Decisions {
  readonly #engine: Engine;
  /** Writes about one subject or session go one after another from this process, so that they seldom conflict. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  readonly decide = async <T>(
    wanted: Wanted,
    operation: (rows: StagedRows, now: number) => T,
    { until = Number.POSITIVE_INFINITY }: Asked = {},
  ): Promise<T> => {
    const key = wanted.subject ?? wanted.ids?.[0] ?? 'sweep';
    const before = this.#last.get(key);
    const mine = (before ?? Promise.resolve()).then(() => this.#attempts(wanted, operation, until));
    const done = settledWithin(until - this.#engine.now(), mine).then(() => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    this.#last.set(key, done);
    return mine;
  };

  async #attempts<T>(wanted: Wanted, operation: (rows: StagedRows, now: number) => T, until: number): Promise<T> {
    let claimed: Loaded | null = null;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      operations.checkInTime(this.#engine.now(), until);
      const loaded: Loaded = await (claimed ? this.#again(claimed) : this.#engine.load(wanted));
      if (wanted.due !== undefined) claimed ??= { ...loaded, more: loaded.more || loaded.due.length >= wanted.due };
      const rows = new StagedRows(loaded);
      const result = operation(rows, loaded.now);
      const stage = rows.stage();
      operations.checkInTime(this.#engine.now(), until);
      // A client that was offline may send it late: then it does nothing.
      if (
        stage === null ||
        (await this.#engine.commit({ ...stage, before: Math.min(stage.before, Math.floor(until)) }))
      )
        return result;
    }
    throw new SojournError(
      'store_unavailable',
      `${this.#engine.name}: ${mostAttempts} times another write came first.`,
    );
  }

  /** What was claimed, as it is now: claimed anew it would not be, for everybody passes over it for a while. */
  async #again({ due, more }: Loaded): Promise<Loaded> {
    const loaded = await this.#engine.load({ ids: due });
    const there = new Set([...loaded.sessions, ...loaded.unreadable].map(({ id }) => id));
    return { ...loaded, due: due.filter((id) => there.has(id)), more };
  }
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
