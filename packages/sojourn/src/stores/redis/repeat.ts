import { isTerminal } from '../../lifecycle/events.ts';
import type { EndOptions } from '../../lifecycle/ports.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { readable } from '../operations/readable.ts';
import * as operations from '../operations.ts';
import { type DecidedOn, Decisions } from '../staged/decisions.ts';
import type { Stage } from '../staged/engine.ts';
import type { PrimariesSeen } from './connection.ts';

/*
 * Redis answers before its replicas have the write, so a failover may lose an ending that was
 * acknowledged. Each process says its own of the last minutes again, to whoever is primary now.
 */

const rememberedFor = 5 * 60_000;
const mostRemembered = 100_000;
const lookEvery = 1000;
/** Trips under way at a time, so that a long list leaves room for requests. */
const atOnce = 64;

interface Acknowledged {
  readonly at: number;
  readonly options: EndOptions;
  /** By this process's own count of time. */
  readonly since: number;
}

export interface EndingsParts {
  readonly engine: DecidedOn;
  readonly primaries: () => Promise<PrimariesSeen>;
  readonly elapsed?: () => number;
}

export class Endings {
  readonly #decisions: Decisions;
  readonly #primaries: EndingsParts['primaries'];
  readonly #elapsed: () => number;
  /** Oldest first. */
  readonly #known = new Map<string, Acknowledged>();
  readonly #seen = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();
  #looking: NodeJS.Timeout | null = null;
  #asking: Promise<void> | null = null;
  #stopped = false;

  constructor({ engine, primaries, elapsed = () => performance.now() }: EndingsParts) {
    this.#decisions = new Decisions(engine);
    this.#primaries = primaries;
    this.#elapsed = elapsed;
  }

  /** Of what was committed, the endings. Those by the clock come again by themselves. */
  remember(stage: Stage): void {
    const ending = new Set(stage.events.flatMap(({ event }) => (isTerminal(event) ? event.sessionId : [])));
    for (const { id, ending: why, operation } of stage.replace) {
      if (why === undefined || why.by === 'clock' || !ending.has(id)) continue;
      const keepData = stage.subject?.put?.kept?.id === id;
      this.#known.delete(id);
      this.#known.set(id, {
        at: why.at,
        options: { reason: why.reason, by: why.by, operation, keepData },
        since: this.#elapsed(),
      });
    }
    for (const id of this.#known.keys()) {
      if (this.#known.size <= mostRemembered) break;
      this.#known.delete(id);
    }
    if (this.#known.size > 0 && !this.#stopped) {
      // What cannot be asked now is asked at the next turn.
      this.#looking ??= setInterval(() => void this.look().catch(() => {}), lookEvery).unref();
    }
  }

  /** How many endings are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** Repeats all if another primary answers than before. Rejects when none does. */
  look(): Promise<void> {
    this.#asking ??= this.#look().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #look(): Promise<void> {
    const { names, all } = await this.#primaries();
    if (names.some((name) => !this.#seen.has(name))) await this.repeat();
    else if (all) this.#forget();
    for (const name of names) this.#seen.add(name);
  }

  /** Says the endings again, of all partitions or of some: what has ended stays as it ended. */
  repeat(partitions?: readonly number[]): Promise<void> {
    const mine = this.#last.then(async () => {
      const wanted = [...this.#known].filter(([id]) => partitions?.includes(partitionOf(id)) ?? true);
      // The newest first: they are the likeliest to have been lost.
      const waiting = wanted.reverse().values();
      const one = async (): Promise<void> => {
        for (const [id, ending] of waiting) if (!this.#stopped) await this.#say(id, ending);
      };
      await Promise.all(Array.from({ length: atOnce }, one));
    });
    this.#last = mine.catch(() => {});
    return mine;
  }

  async #say(id: string, { at, options }: Acknowledged): Promise<void> {
    const wanted = { ids: [id], ...(options.keepData ? { owners: true as const } : {}) };
    // One that a newer release has written meanwhile is left to it.
    await this.#decisions.decide(wanted, (rows) => readable(rows, id) && operations.end(rows, at, id, options));
  }

  /** With the same primary as before: what is older has long reached whoever may take its place. */
  #forget(): void {
    const oldest = this.#elapsed() - rememberedFor;
    for (const [id, { since }] of this.#known) {
      if (since > oldest) break;
      this.#known.delete(id);
    }
    if (this.#known.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#looking) clearInterval(this.#looking);
    this.#looking = null;
  }

  stop(): void {
    this.#stopped = true;
    this.#rest();
    this.#known.clear();
  }
}
