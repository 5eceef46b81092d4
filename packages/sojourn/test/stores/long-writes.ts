import assert from 'node:assert/strict';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { SessionRecord } from '../../src/lifecycle/session.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';

/* What writes the sessions of u1 in parts. As a process it begins one, which is cut short. */

type Ended = readonly Pick<SessionRecord, 'id'>[];

export const longWrites: Readonly<Record<string, (store: Store, operation: string) => Promise<Ended>>> = {
  endAll: (store, operation) => store.endAll('u1', { reason: 'revoked', by: 'x', operation }),
  purge: (store, operation) => store.purge('u1', { operation }),
  sweep: async (store) => (await store.sweep(1000)).expired,
};

if (import.meta.main) {
  const [path = '', now = '', name = '', operation = '', why = ''] = process.argv.slice(2);
  const store = sqlite(path, { now: () => Number(now), busyTimeout: 20 });
  // A process that is killed does not come to this.
  await assert.rejects(async () => longWrites[name]?.(store, operation), {
    code: 'store_unavailable',
    message: new RegExp(why),
  });
  await store.close();
}
