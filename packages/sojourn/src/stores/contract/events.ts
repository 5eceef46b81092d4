import assert from 'node:assert/strict';
import { SojournError } from '../../lifecycle/errors.ts';
import { partitionOf } from '../../lifecycle/token.ts';
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

const day = 24 * hour;

function lost(error: unknown): boolean {
  return error instanceof SojournError && error.code === 'cursor_lost';
}

/** Events: with the change, in order, resumable, never a silent gap. */
export function eventBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'G11: a life is told in its order', async ({ store, clock }) => {
    const visitor = await created(store, null);
    const user = await created(store, 'u1', {}, { replaces: { id: visitor.id, version: 1 } });
    const update = { events: [{ type: 'rotated' }] } as const;
    await store.update(user.id, 1, { generation: 2 }, writing(update));
    await store.update(user.id, 2, { data: '{"quiet":1}' }, writing());
    clock.now += 1;
    await store.setPermissions('u1', ['a'], { operation: operation() });
    await store.end(user.id, {
      reason: 'reuse_detected',
      by: 'system',
      verdict: 'reuse_detected',
      operation: operation(),
    });
    const events = (await allEvents(store)).map(({ event }) => event);
    const of = (id: string): string[] => events.filter(({ sessionId }) => sessionId === id).map(({ type }) => type);
    assert.deepEqual(of(visitor.id), ['created', 'terminated']);
    assert.deepEqual(of(user.id), ['signed_in', 'rotated', 'permissions_changed', 'reuse_detected', 'terminated']);
    const replaced = events.find(({ sessionId, type }) => sessionId === visitor.id && type === 'terminated');
    assert.equal(replaced?.reason, 'replaced');
    assert.equal(replaced?.replacedBy, user.id);
    assert.equal(events.at(-1)?.at, clock.now);
  });

  behaviour(
    name,
    open,
    'G7: a beat without a mark, or with another store’s, says that nothing is known',
    async (given) => {
      const { store } = given;
      await created(store, 'u1');
      const every = Array.from({ length: 64 }, (_, partition) => partition);
      const beat = store.beat(null);
      if (store.distance !== 'network') assert.ok(!(beat instanceof Promise), 'what is near answers at once');
      const { mark, lost, changed } = await beat;
      assert.deepEqual([lost, changed], [every, []]);
      assert.deepEqual((await store.beat(mark)).lost, []);
      assert.deepEqual((await store.beat({ ...mark, epoch: 'another' })).lost, every);
    },
  );

  behaviour(name, open, 'G7: each change of a session is named, also one that is no event', async ({ store }) => {
    const { mark } = await store.beat(null);
    const { id } = await created(store, 'u1', { permissions: ['a'] });
    await store.update(id, 1, { data: '{"quiet":1}' }, writing());
    await store.setPermissions('u1', [], { operation: operation() });
    await store.touch([{ id, seenAt: store.now() + 1 }]);
    await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
    const { changed, lost } = await store.beat(mark);
    assert.deepEqual(
      changed.map((change) => change.id),
      [id, id, id, id],
    );
    assert.deepEqual(lost, []);
  });

  behaviour(
    name,
    open,
    'G7: of more changes in one partition than are kept, the partition is lost',
    async ({ store }) => {
      const { id } = await created(store, 'u1');
      const other = await created(store, 'u2');
      let { mark } = await store.beat(null);
      await store.note(Array.from({ length: 1100 }, () => ({ id, code: 'secret_mismatch', count: 1 })));
      await store.update(other.id, 1, { data: '{"n":1}' }, writing());
      const beat = await store.beat(mark);
      assert.deepEqual(beat.lost, [partitionOf(id)]);
      assert.deepEqual(
        beat.changed.map((change) => change.id),
        [other.id],
      );
      ({ mark } = beat);
      await store.update(id, 1, { data: '{"n":1}' }, writing());
      assert.deepEqual(
        (await store.beat(mark)).changed.map((change) => change.id),
        [id],
      );
    },
  );

  behaviour(
    name,
    open,
    'G7: a beat names each change, also where what is kept of them begins anew',
    async ({ store }) => {
      const { id } = await created(store, 'u1');
      const note = (count: number): Promise<void> =>
        store.note(Array.from({ length: count }, () => ({ id, code: 'secret_mismatch', count: 1 })));
      await note(1000);
      let { mark } = await store.beat(null);
      for (const count of [1, 22, 1, 40, 0, 1000]) {
        await note(count);
        const beat = await store.beat(mark);
        assert.deepEqual(
          beat.changed.map((change) => change.id),
          Array<string>(count).fill(id),
        );
        assert.deepEqual(beat.lost, []);
        ({ mark } = beat);
      }
    },
  );

  behaviour(name, open, 'G11: a reader resumes after any cursor and misses nothing', async ({ store }) => {
    for (let i = 0; i < 20; i++) await created(store, `u${i}`);
    const all = await allEvents(store);
    assert.equal(all.length, 20);
    const seen: string[] = [];
    let cursor: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof store.events>> = await store.events(cursor, 3);
      if (page.events.length === 0) break;
      assert.ok(page.events.length <= 3);
      seen.push(...page.events.map(({ event }) => event.sessionId));
      cursor = page.cursor;
    }
    assert.deepEqual([...seen].sort(), all.map(({ event }) => event.sessionId).sort());
    for (const [index, { cursor: after }] of all.entries()) {
      const rest = await allEvents(store, after);
      assert.equal(rest.length, all.length - index - 1);
    }
  });

  behaviour(name, open, 'the cursor of the moment stands behind every event', async ({ store }) => {
    await created(store, 'u1');
    const cursor = await store.cursor();
    assert.deepEqual((await store.events(cursor, 10)).events, []);
    const next = await created(store, 'u2');
    const { events } = await store.events(cursor, 10);
    assert.deepEqual(
      events.map(({ event }) => event.sessionId),
      [next.id],
    );
  });

  behaviour(name, open, 'a subject with very many endings lists the newest 500', async ({ store, clock }) => {
    const ids: string[] = [];
    for (let i = 0; i < 510; i++) {
      clock.now += 1;
      const { id } = await created(store, 'u1');
      await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
      ids.unshift(id);
    }
    const { ended } = await store.list('u1');
    assert.deepEqual(
      ended.map(({ sessionId }) => sessionId),
      ids.slice(0, 500),
    );
  });

  behaviour(
    name,
    open,
    'G11: a cursor of another engine, or of none, is lost rather than guessed at',
    async ({ store }) => {
      const cursor = await store.cursor();
      const foreign = cursor.replace(/^[^.]+/, 'elsewhere');
      for (const bad of [foreign, 'nonsense', `${cursor}-1`, '']) {
        await assert.rejects(async () => store.events(bad, 10), lost, bad);
      }
    },
  );

  behaviour(
    name,
    open,
    'G11: a cursor older than the retention is lost, never a silent gap',
    async ({ store, clock }) => {
      const before = await store.cursor();
      await created(store, 'u1');
      const after = await store.cursor();
      clock.now += 28 * day + 1;
      let more = true;
      while (more) ({ more } = await store.sweep(100));
      await assert.rejects(async () => store.events(before, 10), lost);
      const { events } = await store.events(after, 10);
      assert.ok(events.every(({ event }) => event.at === clock.now));
      assert.ok((await store.events(null, 10)).events.length > 0);
    },
  );

  behaviour(
    name,
    open,
    'events of one subject share a partition, so their order is that of the commits',
    async ({ store }) => {
      const ids = await Promise.all(Array.from({ length: 5 }, async () => (await created(store, 'u1')).id));
      assert.equal(new Set(ids.map(partitionOf)).size, 1);
      await Promise.all(ids.map((id) => store.end(id, { reason: 'revoked', by: 'x', operation: operation() })));
      const events = (await allEvents(store)).map(({ event }) => event);
      for (const id of ids) {
        assert.deepEqual(
          events.filter(({ sessionId }) => sessionId === id).map(({ type }) => type),
          ['signed_in', 'terminated'],
        );
      }
    },
  );

  behaviour(name, open, 'a write that is refused leaves no event and no change', async ({ store }) => {
    const record = await created(store, 'u1');
    const before = await allEvents(store);
    await store.update(record.id, 99, { data: '{"a":1}' }, writing({ events: [{ type: 'rotated' }] }));
    await store.create(
      newSession('u1'),
      creating({ checkedAt: 0 + store.now() + 1, limit: { most: 1, over: 'refuse' } }),
    );
    assert.deepEqual(await allEvents(store), before);
    assert.deepEqual(await found(store, record.id), record);
  });
}
