import { type Code, SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';

/*
 * A process with SQLite stores in it, for tests that need more than one process. It does what its
 * parent says, at the time its parent says, and answers each call by its number.
 */

/** What the parent says: open a store under a number, call one, or be killed at the next write. */
export type Told =
  | { readonly do: 'open'; readonly call: number; readonly store: number; readonly path: string; readonly now: number }
  | {
      readonly do: 'call';
      readonly call: number;
      readonly store: number;
      readonly now: number;
      readonly name: keyof Store;
      readonly args: readonly unknown[];
    };

/** What it answers: a result, an error by its parts, or that something was written where it watches. */
export type Said =
  | { readonly call: number; readonly result: unknown }
  | {
      readonly call: number;
      readonly error: { readonly code: Code; readonly message: string; readonly details: { sessionId?: string } };
    }
  | { readonly changed: number };

interface Open {
  readonly store: Store;
  readonly clock: { now: number };
}

const stores = new Map<number, Open>();

function say(said: Said): void {
  process.send?.(said);
}

function open(told: Extract<Told, { do: 'open' }>): void {
  const clock = { now: told.now };
  stores.set(told.store, { store: sqlite(told.path, { now: () => clock.now }), clock });
}

function call({ store: number, name, args, now }: Extract<Told, { do: 'call' }>): unknown {
  const known = stores.get(number);
  if (known === undefined) throw new TypeError(`no store ${number}`);
  const { store, clock } = known;
  clock.now = now;
  if (name === 'watch') return void store.watch(() => say({ changed: number }));
  if (name === 'close') stores.delete(number);
  const method: unknown = Reflect.get(store, name);
  return typeof method === 'function' ? method.apply(store, args) : method;
}

async function doAsTold(told: Told): Promise<void> {
  try {
    const result = told.do === 'open' ? open(told) : await call(told);
    say({ call: told.call, result });
  } catch (error) {
    if (!(error instanceof SojournError)) throw error;
    const { code, message, sessionId } = error;
    const details = sessionId === undefined ? {} : { sessionId };
    say({ call: told.call, error: { code, message, details } });
  }
}

process.on('message', (told: Told) => void doAsTold(told));
process.on('disconnect', () => process.exit());
