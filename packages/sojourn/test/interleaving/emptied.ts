import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../src/lifecycle/ports.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { temporary } from '../temporary.ts';

const empty = `BEGIN; DELETE FROM sessions; DELETE FROM subjects; DELETE FROM events;
               UPDATE partitions SET counter = 0, forgotten = 0, anonymous = 0; COMMIT`;

/** One SQLite store for many schedules, emptied before each: to open another would take longer than to play one. */
export class Emptied {
  readonly #db: DatabaseSync;
  readonly #store: Store;
  #now: () => number = Date.now;

  constructor() {
    const path = temporary('sessions.db');
    this.#store = sqlite(path, { now: () => this.#now() });
    this.#db = new DatabaseSync(path);
  }

  /** An engine, as a lab takes it. Who closes it leaves it open for the next. */
  readonly open = (now: () => number): Store => {
    this.#now = now;
    this.#db.exec(empty);
    return new Proxy(this.#store, {
      get(store, name) {
        if (name === 'close') return async () => {};
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
  };

  async close(): Promise<void> {
    this.#db.close();
    await this.#store.close();
  }
}
