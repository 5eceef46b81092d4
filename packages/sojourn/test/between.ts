import type { Store } from '../src/lifecycle/ports.ts';
import { through } from './lab.ts';

/** Stands between sessions and their store: something happens just before a call, or calls fail. */
export class Between {
  readonly #planned: { readonly name: string; readonly act: () => unknown }[] = [];
  readonly #answers = new Map<string, () => unknown>();
  /** The calls that came, by name. */
  readonly calls: string[] = [];
  /** Which calls fail as long as it says so. */
  failing: (name: string) => boolean = () => false;
  /** Which calls never answer as long as it says so. */
  hanging: (name: string) => boolean = () => false;

  /** Changes elsewhere are not told as long as this holds. */
  deaf = false;
  /** Closing leaves the store open, as where others use it too. */
  keepOpen = false;
  /** How many watch the store. */
  watching = 0;

  /** For `LabOptions.around`. */
  readonly around = (store: Store): Store => this.#watched(this.#called(store));

  #called(store: Store): Store {
    return through(store, (name, run) => {
      this.calls.push(name);
      if (this.failing(name)) throw new Error('ECONNREFUSED');
      if (this.hanging(name)) return new Promise(() => {});
      const answer = this.#answers.get(name);
      this.#answers.delete(name);
      if (answer) return answer();
      const at = this.#planned.findIndex((plan) => plan.name === name);
      const acted = at === -1 ? undefined : this.#planned.splice(at, 1)[0]?.act();
      return acted instanceof Promise ? acted.then(run) : run();
    });
  }

  #watched(store: Store): Store {
    const watch: Store['watch'] = (changed) => {
      this.watching += 1;
      const stop = store.watch(() => {
        if (!this.deaf) changed();
      });
      return () => {
        this.watching -= 1;
        stop();
      };
    };
    const close = async (): Promise<void> => {
      if (!this.keepOpen) await store.close();
    };
    return new Proxy(store, {
      get: (target, name) => (name === 'watch' ? watch : name === 'close' ? close : Reflect.get(target, name)),
    });
  }

  /** What happens elsewhere, once, just before the next call of this name reaches the store. */
  before(name: keyof Store, act: () => unknown): void {
    this.#planned.push({ name, act });
  }

  /** What the next call of this name answers in the store's place, as one that was a long time under way. */
  answering(name: keyof Store, answer: () => unknown): void {
    this.#answers.set(name, answer);
  }

  /** How often a call came. */
  count(name: keyof Store): number {
    return this.calls.filter((call) => call === name).length;
  }
}

/** What was under way with a store that answers at once is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
