import { after } from 'node:test';
import type { Store } from '../../src/lifecycle/ports.ts';
import { endingBehaviour } from '../../src/stores/contract/endings.ts';
import { eventBehaviour } from '../../src/stores/contract/events.ts';
import { plainBehaviour } from '../../src/stores/contract/plain.ts';
import { sharedBehaviour } from '../../src/stores/contract/processes.ts';
import { raceBehaviour } from '../../src/stores/contract/races.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { temporary } from '../temporary.ts';
import { Elsewhere } from './elsewhere.ts';

const elsewhere = new Elsewhere();
after(() => elsewhere.stop());

/** One store in two processes: every second call is made in the other one. */
function byTurns(here: Store, there: Store): Store {
  const close = async (): Promise<void> => {
    await Promise.all([here.close(), there.close()]);
  };
  let calls = 0;
  return new Proxy(here, {
    get(_, name) {
      if (name === 'close') return close;
      if (name === 'distance') return 'network';
      const value: unknown = Reflect.get(here, name);
      if (typeof value !== 'function' || name === 'now' || name === 'watch' || name === 'listen') return value;
      return (...given: unknown[]) => {
        calls += 1;
        const store = calls % 2 ? here : there;
        return Reflect.apply(Reflect.get(store, name), store, given);
      };
    },
  });
}

sharedBehaviour('sqlite, with another process', async (now) => {
  const path = temporary('sessions.db');
  return { store: sqlite(path, { now }), another: () => elsewhere.open(path, now) };
});

for (const behaviour of [plainBehaviour, endingBehaviour, eventBehaviour, raceBehaviour]) {
  behaviour('sqlite, by turns in two processes', async (now) => {
    const path = temporary('sessions.db');
    return { store: byTurns(sqlite(path, { now }), await elsewhere.open(path, now)) };
  });
}
