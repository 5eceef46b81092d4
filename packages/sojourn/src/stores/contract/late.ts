import assert from 'node:assert/strict';
import type { Asked, Store } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { stamped } from '../../lifecycle/session.ts';
import {
  allEvents,
  behaviour,
  created,
  creating,
  found,
  hour,
  newSession,
  type Open,
  operation,
  writing,
} from './subject.ts';

type Write = (store: Store, record: SessionRecord, asked: Asked) => Promise<unknown>;

/** Every write that must not happen late. */
const writes: Readonly<Record<string, Write>> = {
  create: (store, { id }, asked) =>
    store.create(
      newSession('u1'),
      creating({
        checkedAt: store.now() + 1,
        limit: { most: 1, over: 'end-oldest' },
        replaces: { id, version: 1 },
        ...asked,
      }),
    ),
  update: (store, { id }, asked) => store.update(id, 1, { data: '{"n":1}' }, writing(asked)),
  end: (store, { id }, asked) => store.end(id, { reason: 'revoked', by: 'x', operation: operation(), ...asked }),
  endAll: (store, _record, asked) =>
    store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation(), disable: true, ...asked }),
  enable: (store, _record, asked) => store.enable('u1', { operation: operation(), ...asked }),
  setPermissions: (store, _record, asked) => store.setPermissions('u1', [], { operation: operation(), ...asked }),
  purge: (store, _record, asked) => store.purge('u1', { operation: operation(), ...asked }),
  adopt: (store, _record, asked) =>
    store.adopt([stamped(newSession('u1'), store.now())], [], { operation: operation(), ...asked }),
  note: (store, { id }, asked) => store.note([{ id, code: 'secret_mismatch', count: 1 }], asked),
};

/** A write that comes when nobody waits for it any more is not done: who asked for it was told that nobody knows. */
export function lateBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'G8: a write that comes too late is unknown and changes nothing', async ({ store, clock }) => {
    const record = await created(store, 'u1', { permissions: ['a'] });
    const events = (await allEvents(store)).length;
    for (const write of Object.values(writes)) {
      await assert.rejects(write(store, record, { until: clock.now }), { code: 'store_unavailable' });
    }
    assert.deepEqual(await found(store, record.id), record);
    assert.deepEqual((await store.list('u1')).live, [record]);
    assert.equal((await allEvents(store)).length, events);
    assert.equal((await store.subject('u1')).changedAt, 0);
  });

  behaviour(name, open, 'a write that comes in time is done as ever', async ({ store, clock }) => {
    for (const write of Object.values(writes)) {
      const record = await created(store, 'u1', { permissions: ['a'] });
      await assert.doesNotReject(write(store, record, { until: clock.now + 1 }));
      await store.enable('u1', { operation: operation() });
      clock.now += 1;
    }
  });

  behaviour(name, open, 'a sweep that comes too late ends nothing', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    clock.now += hour;
    await assert.rejects(store.sweep(10, { until: clock.now }), { code: 'store_unavailable' });
    assert.equal((await found(store, record.id)).ending, undefined);
    assert.equal((await store.sweep(10, { until: clock.now + 1 })).expired.length, 1);
  });
}
