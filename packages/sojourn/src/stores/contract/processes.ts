import assert from 'node:assert/strict';
import type { Store } from '../../lifecycle/ports.ts';
import {
  allEvents,
  behaviour,
  created,
  creating,
  found,
  newSession,
  type Open,
  operation,
  recordOf,
  writing,
} from './subject.ts';

/** What holds between processes that share a store, and over a restart; skipped where an engine has neither. */
export function sharedBehaviour(name: string, open: Open): void {
  const shared = (title: string, run: (one: Store, other: Store) => Promise<void>): void =>
    behaviour(name, open, title, async ({ store, another, skip }) => {
      const other = await another?.();
      if (other === undefined) return skip('no other process can share these sessions');
      try {
        await run(store, other);
      } finally {
        await other.close();
      }
    });

  shared('G7: what one process writes the other reads at once', async (one, other) => {
    const record = await created(one, 'u1');
    assert.deepEqual(await other.find(record.id), record);
    await other.end(record.id, { reason: 'signed_out', by: 'u1', operation: operation() });
    assert.equal((await found(one, record.id)).ending?.reason, 'signed_out');
    assert.deepEqual((await one.update(record.id, 1, { data: '{"a":1}' }, writing())).outcome, 'gone');
  });

  shared('G9: the limit holds over two processes', async (one, other) => {
    const limit = { most: 5, over: 'end-oldest' } as const;
    const make = (store: Store): Promise<unknown> =>
      store.create(newSession('u1'), creating({ limit, checkedAt: store.now() + 1 }));
    await Promise.all(Array.from({ length: 30 }, (_, i) => make(i % 2 ? one : other)));
    assert.equal((await one.list('u1')).live.length, 5);
  });

  shared('what two processes know first of a subject, both know', async (one, other) => {
    const subjects = Array.from({ length: 20 }, (_, i) => `u${i}`);
    const first = subjects.map((subject) => created(one, subject));
    const second = subjects.map((subject) => other.setPermissions(subject, [], { operation: operation() }));
    await Promise.all([...first.map((made) => made.catch(() => {})), ...second]);
    for (const subject of subjects) assert.ok((await one.subject(subject)).changedAt > 0);
  });

  shared('G4: of updates by two processes none is lost', async (one, other) => {
    const record = await created(one, 'u1');
    const add = async (store: Store): Promise<void> => {
      for (;;) {
        const now = await found(store, record.id);
        const data = JSON.stringify({ n: (JSON.parse(now.data).n ?? 0) + 1 });
        if ((await store.update(record.id, now.version, { data }, writing())).outcome === 'updated') return;
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 ? one : other)));
    assert.equal(JSON.parse((await found(one, record.id)).data).n, 20);
  });

  shared('G11: the events of both processes are one order, without gap or double', async (one, other) => {
    const cursor = await one.cursor();
    const made = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, i) =>
          recordOf(await (i % 2 ? one : other).create(newSession(`u${i}`), creating({ checkedAt: one.now() + 1 }))).id,
      ),
    );
    const seen = (await allEvents(one, cursor)).map(({ event }) => event.sessionId);
    assert.deepEqual([...seen].sort(), made.sort());
    assert.deepEqual(await allEvents(other, cursor), await allEvents(one, cursor));
  });

  shared('G7: a beat names what any process has changed since', async (one, other) => {
    const live = await created(one, 'u1');
    const ended = await created(one, 'u2');
    const { mark } = await one.beat(null);
    await other.update(live.id, 1, { data: '{"a":1}' }, writing());
    await other.end(ended.id, { reason: 'signed_out', by: 'u2', operation: operation() });
    const beat = await one.beat(mark);
    assert.deepEqual(new Set(beat.changed.map(({ id }) => id)), new Set([live.id, ended.id]));
    assert.deepEqual([beat.lost, beat.unproved], [[], []]);
    assert.deepEqual((await one.beat(beat.mark)).changed, []);
  });

  shared('who watches learns of another process’s write', async (one, other) => {
    let stop = (): void => {};
    const noticed = new Promise<void>((resolve) => {
      stop = one.watch(resolve);
    });
    await created(other, 'u1');
    await noticed;
    stop();
  });

  behaviour(name, open, 'what was acknowledged is there after a restart', async ({ store, reopen, clock, skip }) => {
    if (reopen === undefined) return skip('nothing is left after a restart');
    const live = await created(store, 'u1', { permissions: ['a'], data: '{"cart":["x"]}' });
    const ended = await created(store, 'u2');
    await store.end(ended.id, { reason: 'signed_out', by: 'u2', operation: operation() });
    await store.endAll('u3', { reason: 'revoked', by: 'x', operation: operation() });
    const cursor = await store.cursor();
    const again = await reopen();
    try {
      assert.deepEqual(await again.find(live.id), live);
      assert.equal((await found(again, ended.id)).ending?.reason, 'signed_out');
      assert.equal((await again.subject('u3')).changedAt, clock.now);
      assert.deepEqual((await again.events(cursor, 10)).events, []);
      assert.equal((await allEvents(again)).length, 3);
    } finally {
      await again.close();
    }
  });
}
