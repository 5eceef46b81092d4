import assert from 'node:assert/strict';
import { isTerminal } from '../../lifecycle/events.ts';
import type { Store } from '../../lifecycle/ports.ts';
import { allEvents, behaviour, created, type Open, operation } from './subject.ts';

/** Subjects with more sessions, and with a longer past, than an engine writes or reads in one go. */
export function manyBehaviour(name: string, open: Open): void {
  const many = async (store: Store): Promise<string[]> => {
    const made = await Promise.all(Array.from({ length: 250 }, () => created(store, 'u1', { permissions: ['a'] })));
    return made.map(({ id }) => id).sort();
  };

  behaviour(name, open, 'G11: each of very many sessions that end together is told once', async ({ store, clock }) => {
    const ids = await many(store);
    const other = await created(store, 'u2');
    clock.now += 1;
    const end = { reason: 'revoked', by: 'x', operation: operation() } as const;
    for (const ended of [await store.endAll('u1', end), await store.endAll('u1', end)]) {
      assert.deepEqual(ended.map(({ id }) => id).sort(), ids);
    }
    const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
    assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), ids);
    assert.equal((await store.list('u1')).live.length, 0);
    assert.equal((await store.list('u2')).live[0]?.id, other.id);
    assert.equal((await store.subject('u1')).changedAt, clock.now);
  });

  behaviour(name, open, 'G10: permissions are set of each of very many sessions', async ({ store }) => {
    await many(store);
    assert.equal(await store.setPermissions('u1', [], { operation: operation() }), 250);
    const { live } = await store.list('u1');
    assert.deepEqual([...new Set(live.map(({ permissions }) => permissions.length))], [0]);
  });

  behaviour(name, open, 'a purge removes each of very many sessions', async ({ store }) => {
    const ids = await many(store);
    assert.deepEqual((await store.purge('u1', { operation: operation() })).map(({ id }) => id).sort(), ids);
    assert.equal((await store.page(null, 10)).records.length, 0);
    assert.ok((await allEvents(store)).every(({ event }) => event.subject === null));
    assert.deepEqual(await store.list('u1'), { live: [], ended: [] });
  });

  behaviour(name, open, 'a purge erases a long past, and that of nobody else', async ({ store }) => {
    const [mine, other] = [await created(store, 'u1'), await created(store, 'u2')];
    const notices = [mine, other].flatMap(({ id }) =>
      Array.from({ length: 500 }, () => ({ id, code: 'secret_mismatch', count: 1 }) as const),
    );
    await store.note(notices);
    await store.purge('u1', { operation: operation() });
    const told = Map.groupBy(await allEvents(store), ({ event }) => event.sessionId);
    const subjects = (id: string): unknown[] => (told.get(id) ?? []).map(({ event }) => event.subject);
    assert.deepEqual(subjects(mine.id), Array(502).fill(null));
    assert.deepEqual(subjects(other.id), Array(501).fill('u2'));
  });

  behaviour(name, open, 'a sweep ends each of very many sessions in one lap', async ({ store, clock }) => {
    const ids = await many(store);
    clock.now += 60 * 60_000;
    const { expired, more } = await store.sweep(1000);
    assert.deepEqual([expired.map(({ id }) => id).sort(), more], [ids, false]);
  });

  behaviour(name, open, 'an ending is listed however much else has happened since', async ({ store, clock }) => {
    const { id } = await created(store, 'u1');
    const other = await created(store, 'u1');
    await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    clock.now += 1;
    const notices = Array.from({ length: 1001 }, () => ({ id: other.id, code: 'secret_mismatch', count: 1 }) as const);
    await store.note(notices);
    const { ended } = await store.list('u1');
    assert.deepEqual(
      ended.map(({ sessionId }) => sessionId),
      [id],
    );
  });
}
