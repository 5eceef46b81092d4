import { AsyncLocalStorage } from 'node:async_hooks';
import type { Store } from '../../src/lifecycle/ports.ts';
import { seeded } from '../../src/stores/contract/subject.ts';
import { through } from '../lab.ts';

/** Chooses which of `count` waiting requests goes on; `step` counts the choices of one schedule. */
export type Choose = (count: number, step: number) => number;

interface Waiting {
  readonly actor: number;
  readonly go: () => Promise<void>;
}

/**
 * Runs several requests so that exactly one of them moves at a time, and makes every store call a
 * point at which any other may move instead. One schedule is one sequence of such choices.
 */
export class Scheduler {
  readonly #actors = new AsyncLocalStorage<number>();
  #waiting: Waiting[] = [];
  /** The order in which requests moved, for the message of a failure. */
  readonly trace: string[] = [];

  /** A store whose calls wait for their turn while a schedule runs. */
  around(store: Store): Store {
    return through(store, (name, run) => {
      const actor = this.#actors.getStore();
      return actor === undefined ? run() : this.#turn(actor, name, run);
    });
  }

  /** A point of a request that is no store call: it is sent, its answer arrives. */
  async point(name: string): Promise<void> {
    const actor = this.#actors.getStore();
    if (actor !== undefined) await this.#turn(actor, name, () => undefined);
  }

  /** Runs the requests to their ends under a schedule; rejects with the first failure among them. */
  async run(requests: readonly (() => Promise<unknown>)[], choose: Choose): Promise<void> {
    let running = requests.length;
    const failures: unknown[] = [];
    for (const [actor, request] of requests.entries()) {
      this.#actors.run(actor, () => {
        // Each begins at a point of its own, so that any may be first.
        this.point('begin')
          .then(request)
          .catch((error: unknown) => failures.push(error))
          .finally(() => {
            running -= 1;
          });
      });
    }
    for (let step = 0; ; step++) {
      await quiet();
      if (running === 0) break;
      if (this.#waiting.length === 0) throw new Error(`stuck after ${this.trace.join(' ')}`);
      // The order in which they arrived at their points is not part of the schedule.
      this.#waiting.sort((a, b) => a.actor - b.actor);
      const [next] = this.#waiting.splice(choose(this.#waiting.length, step), 1);
      await next?.go();
    }
    if (failures.length > 0) throw failures[0];
  }

  #turn<T>(actor: number, name: string, run: () => T): Promise<Awaited<T>> {
    return new Promise<Awaited<T>>((resolve, reject) => {
      this.#waiting.push({
        actor,
        go: async () => {
          this.trace.push(`${actor}:${name}`);
          try {
            resolve(await run());
          } catch (error) {
            reject(error);
          }
        },
      });
    });
  }
}

/** Until every request has come to its next point or its end. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Every schedule there is, in turn: answers the next choices, or `null` when all have been tried. */
export class Exhaustive {
  #prefix: number[] = [];
  #taken: { choice: number; of: number }[] = [];

  choose: Choose = (count, step) => {
    const choice = this.#prefix[step] ?? 0;
    this.#taken.push({ choice, of: count });
    return choice;
  };

  /** Moves on to the schedule after the one just run; `false` when there is none. */
  next(): boolean {
    while (this.#taken.length > 0) {
      const last = this.#taken.pop();
      if (last && last.choice + 1 < last.of) {
        this.#prefix = [...this.#taken.map(({ choice }) => choice), last.choice + 1];
        this.#taken = [];
        return true;
      }
    }
    return false;
  }
}

/** One schedule out of many, the same for the same seed. */
export function seededChoice(seed: number): Choose {
  const random = seeded(seed * 2_654_435_761 + 1);
  // The first values of neighbouring seeds resemble each other.
  for (let i = 0; i < 3; i++) random();
  return (count) => Math.floor(random() * count);
}
