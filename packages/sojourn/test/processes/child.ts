import { SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { type Said, type Stage, type Told, writes } from './protocol.ts';

/*
 * A process with SQLite stores in it, for tests that need more than one process. It does what its
 * parent says, at the time its parent says, and answers each call by its number.
 */

interface Open {
  readonly store: Store;
  readonly clock: { now: number };
}

const stores = new Map<number, Open>();

/** Where the next write is when this process is killed. */
let dying: Stage | null = null;

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

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function run(told: Told): Promise<unknown> {
  if (told.do === 'open') return open(told);
  if (told.do === 'die') {
    dying = told.at;
    return;
  }
  if (dying === null || !writes.has(told.name)) return call(told);
  if (dying === 'before') die();
  if (dying === 'during') setImmediate(die);
  const result = await call(told);
  if (dying === 'after') die();
  return result;
}

async function doAsTold(told: Told): Promise<void> {
  try {
    const result = await run(told);
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
