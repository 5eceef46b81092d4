import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isTerminal } from '../../src/lifecycle/events.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { allEvents, created, creating, newSession, operation } from '../../src/stores/contract/subject.ts';
import { type Commits, stagedEngines } from './commits.ts';
import { onSqlite } from './sqlite-parts.ts';

/* What is decided about hundreds of sessions is written a hundred at a time: what may come between. */

interface Between {
  /** Has 250 sessions of u1. */
  readonly store: Store;
  readonly other: Store;
  readonly ids: readonly string[];
  readonly clock: { now: number };
  /** Runs before the nth commit from now on. */
  beforeCommit(n: number, run: () => Promise<unknown>): void;
}

const revoked = { reason: 'revoked', by: 'x' } as const;

const engines = { ...stagedEngines, sqlite: { skip: false, start: onSqlite } } satisfies typeof stagedEngines;

for (const [name, engine] of Object.entries(engines)) {
  let commits: Commits | null = null;
  before(async () => {
    if (!engine.skip) commits = await engine.start();
  });
  after(() => commits?.stop());

  const between = (title: string, run: (between: Between) => Promise<void>): void => {
    test(`${title} [${name}]`, { skip: engine.skip }, async () => {
      if (commits === null) throw new Error('the engine was not started');
      const { hold } = commits;
      const clock = { now: Date.now() };
      const { store, other } = await commits.open(() => clock.now);
      const made = await Promise.all(Array.from({ length: 250 }, () => created(other, 'u1', { permissions: ['a'] })));
      const beforeCommit: Between['beforeCommit'] = (n, act) =>
        hold(async () => (n === 1 ? act() : beforeCommit(n - 1, act)));
      clock.now += 1;
      await run({ store, other, ids: made.map(({ id }) => id), clock, beforeCommit });
    });
  };

  between(
    'G3: a sign-in that was checked before is refused from the first part on',
    async ({ store, other, clock, beforeCommit }) => {
      let outcome = '';
      beforeCommit(2, async () => {
        ({ outcome } = await other.create(newSession('u1'), creating({ checkedAt: clock.now })));
      });
      const ended = await store.endAll('u1', { ...revoked, operation: operation() });
      assert.deepEqual([outcome, ended.length], ['subject_changed', 250]);
      assert.equal((await store.list('u1')).live.length, 0);
    },
  );

  between('a session that begins after the first part stays', async ({ store, other, ids, clock, beforeCommit }) => {
    let later = '';
    beforeCommit(2, async () => {
      clock.now += 1;
      later = (await created(other, 'u1')).id;
      // So that the rest is decided again.
      await other.touch(ids.map((id) => ({ id, seenAt: clock.now })));
    });
    const ended = await store.endAll('u1', { ...revoked, operation: operation() });
    assert.deepEqual(ended.map(({ id }) => id).sort(), ids.toSorted());
    assert.deepEqual(
      (await store.list('u1')).live.map(({ id }) => id),
      [later],
    );
    // Raised once more, for what began between two parts by a session that was still to end.
    assert.equal((await store.subject('u1')).changedAt, clock.now);
  });

  between('G11: what others end between two parts ends once', async ({ store, other, ids, beforeCommit }) => {
    beforeCommit(3, async () => {
      for (const id of ids) await other.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    });
    const ended = await store.endAll('u1', { ...revoked, operation: operation() });
    assert.equal(ended.length, 200);
    const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
    assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), ids.toSorted());
  });

  between(
    'G3: who dies between two parts has changed the subject, and asks again for the rest',
    async ({ store, other, ids, clock, beforeCommit }) => {
      const dies = new Error('gone');
      beforeCommit(2, () => Promise.reject(dies));
      await assert.rejects(store.endAll('u1', { ...revoked, operation: operation() }));
      assert.equal((await other.list('u1')).live.length, 150);
      const { outcome } = await other.create(newSession('u1'), creating({ checkedAt: clock.now }));
      assert.equal(outcome, 'subject_changed');
      assert.equal((await other.endAll('u1', { ...revoked, operation: operation() })).length, 150);
      const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
      assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), ids.toSorted());
    },
  );

  between('G3: an impersonation that begins between two parts is not newer than the change', async (found) => {
    const { store, other, clock, beforeCommit } = found;
    let actingSince = 0;
    beforeCommit(2, async () => {
      clock.now += 1;
      actingSince = clock.now;
      clock.now += 1;
    });
    await store.endAll('u1', { ...revoked, operation: operation() });
    assert.ok((await other.subject('u1')).changedAt >= actingSince);
  });

  between('a purge leaves nothing to who signs in between two parts', async ({ store, other, clock, beforeCommit }) => {
    beforeCommit(2, async () => {
      clock.now += 1;
      await created(other, 'u1', { data: '{"cart":[1]}' });
    });
    await store.purge('u1', { operation: operation() });
    assert.equal((await store.page(null, 10)).records.length, 0);
  });

  between('G8: the parts that nobody waits for any more are not written', async ({ store, clock, beforeCommit }) => {
    const until = clock.now + 1000;
    beforeCommit(2, async () => {
      clock.now = until;
    });
    await assert.rejects(store.endAll('u1', { ...revoked, operation: operation(), until }), /late/);
    // Over a connection the second was on its way.
    assert.equal((await store.list('u1')).live.length, name === 'sqlite' ? 150 : 50);
  });

  between(
    'G10: permissions that are set while their sessions are written are set of all of them',
    async ({ store, other, ids, clock, beforeCommit }) => {
      beforeCommit(3, () => other.touch(ids.map((id) => ({ id, seenAt: clock.now }))));
      assert.equal(await store.setPermissions('u1', [], { operation: operation() }), 250);
      const { live } = await other.list('u1');
      assert.deepEqual([...new Set(live.map(({ permissions }) => permissions.length))], [0]);
    },
  );

  between(
    'a purge erases what is told of the rest between two parts',
    async ({ store, other, ids, clock, beforeCommit }) => {
      beforeCommit(2, async () => {
        clock.now += 1;
        for (const id of ids) await other.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
      });
      await store.purge('u1', { operation: operation() });
      const told = await allEvents(store);
      assert.deepEqual([...new Set(told.map(({ event }) => event.subject))], [null]);
      assert.equal(told.filter(({ event }) => isTerminal(event)).length, 250);
      assert.equal((await store.page(null, 10)).records.length, 0);
    },
  );
}
