import assert from 'node:assert/strict';
import { isTerminal } from '../../lifecycle/events.ts';
import {
  allEvents,
  behaviour,
  created,
  creating,
  found,
  hour,
  minute,
  newSession,
  type Open,
  operation,
  writing,
} from './subject.ts';

/** Ends, limits of both clocks, and the sweep. */
export function endingBehaviour(name: string, open: Open): void {
  const ending = { reason: 'signed_out', by: 'u1' } as const;

  behaviour(name, open, 'G3: nothing brings an ended session back', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    await store.end(record.id, { ...ending, operation: operation() });
    const tombstone = await found(store, record.id);
    assert.deepEqual(await store.update(record.id, record.version, { data: '{"a":1}' }, writing()), {
      outcome: 'gone',
    });
    assert.deepEqual(await store.update(record.id, tombstone.version, { data: '{"a":1}' }, writing()), {
      outcome: 'gone',
    });
    clock.now += 1;
    await store.touch([{ id: record.id, seenAt: clock.now }]);
    await store.setPermissions('u1', ['a'], { operation: operation() });
    const again = await store.end(record.id, { reason: 'administrator', by: 'root', operation: operation() });
    assert.equal(again?.ended, false);
    assert.deepEqual(await found(store, record.id), tombstone);
    const replacing = await store.create(newSession('u1'), creating({ checkedAt: clock.now + 1, replaces: record }));
    assert.equal(replacing.outcome, 'gone');
  });

  behaviour(
    name,
    open,
    'G6: both clocks end a session, and a touch does not move the absolute one',
    async ({ store, clock }) => {
      const idle = await created(store, 'u1');
      const busy = await created(store, 'u2', { lifetime: hour });
      clock.now += 29 * minute;
      await store.touch([{ id: busy.id, seenAt: clock.now }]);
      clock.now += minute;
      assert.deepEqual(await store.update(idle.id, 1, { data: '{"a":1}' }, writing()), { outcome: 'gone' });
      assert.equal((await store.update(busy.id, 1, { data: '{"a":1}' }, writing())).outcome, 'updated');
      clock.now += 28 * minute;
      await store.touch([{ id: busy.id, seenAt: clock.now }]);
      clock.now += 2 * minute;
      assert.deepEqual(await store.update(busy.id, 2, { data: '{"b":1}' }, writing()), { outcome: 'gone' });
    },
  );

  behaviour(name, open, 'an ending for expiry is written only if the session is dead', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    const own = { idleTimeout: record.idleTimeout, lifetime: 12 * hour };
    const expire = (limits: typeof own): ReturnType<typeof store.end> =>
      store.end(record.id, { reason: 'session_expired_idle', by: 'clock', ifExpired: limits, operation: operation() });
    clock.now += 10 * minute;
    assert.equal((await expire(own))?.ended, false);
    assert.equal((await found(store, record.id)).ending, undefined);
    // A shortened policy bites a live session, a lengthened one does not reach it.
    assert.equal((await expire({ idleTimeout: 10 * minute, lifetime: 12 * hour }))?.ended, true);
  });

  behaviour(
    name,
    open,
    'a touch that was seen in time counts although it is written late, but not after the ending',
    async ({ store, clock }) => {
      const record = await created(store, 'u1');
      const seenAt = clock.now + 29 * minute;
      clock.now += 31 * minute;
      await store.touch([{ id: record.id, seenAt }]);
      const ifExpired = { idleTimeout: record.idleTimeout, lifetime: 12 * hour };
      const late = { reason: 'session_expired_idle', by: 'clock', ifExpired } as const;
      assert.equal((await store.end(record.id, { ...late, operation: operation() }))?.ended, false);
      clock.now += 30 * minute;
      assert.equal((await store.end(record.id, { ...late, operation: operation() }))?.ended, true);
      await store.touch([{ id: record.id, seenAt: clock.now - minute }]);
      assert.equal((await found(store, record.id)).lastSeenAt, seenAt);
    },
  );

  behaviour(name, open, 'a write counts as seen when its request was admitted in time', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    const seenAt = clock.now + 29 * minute;
    clock.now += 31 * minute;
    const updated = await store.update(record.id, 1, { data: '{"a":1}' }, writing({ seenAt }));
    assert.equal(updated.outcome, 'updated');
    assert.equal((await found(store, record.id)).lastSeenAt, seenAt);
    // A claim to have been seen after the limit is none.
    clock.now += 31 * minute;
    assert.equal((await store.update(record.id, 2, { data: '{}' }, writing({ seenAt: clock.now }))).outcome, 'gone');
  });

  behaviour(
    name,
    open,
    'G11: the sweep ends what is dead by the clock with one event each, in bounded laps',
    async ({ store, clock }) => {
      for (let i = 0; i < 7; i++) await created(store, `u${i}`, { lifetime: hour });
      const touched = await created(store, 'touched');
      clock.now += 20 * minute;
      await store.touch([{ id: touched.id, seenAt: clock.now }]);
      clock.now += 15 * minute;
      const laps: number[] = [];
      let more = true;
      while (more) {
        const swept = await store.sweep(3);
        laps.push(swept.expired.length);
        more = swept.more;
        assert.ok(laps.length < 10);
      }
      assert.equal(
        laps.reduce((sum, lap) => sum + lap),
        7,
      );
      assert.ok(laps.every((lap) => lap <= 3));
      assert.equal((await found(store, touched.id)).ending, undefined);
      const expired = (await allEvents(store)).filter(({ event }) => event.type === 'expired');
      assert.equal(expired.length, 7);
      assert.ok(expired.every(({ event }) => event.reason === 'session_expired_idle' && event.by === 'clock'));
      assert.equal((await store.sweep(100)).expired.length, 0);
    },
  );

  behaviour(
    name,
    open,
    'a tombstone stays until the absolute limit, a day at least, then nothing is known',
    async ({ store, clock }) => {
      const record = await created(store, 'u1', { lifetime: 40 * hour });
      await store.end(record.id, { ...ending, operation: operation() });
      clock.now += 40 * hour - 1;
      await store.sweep(100);
      assert.notEqual(await store.find(record.id), null);
      clock.now += 1;
      assert.equal((await store.sweep(100)).removed, 1);
      assert.equal(await store.find(record.id), null);
      const short = await created(store, 'u2', { lifetime: hour });
      await store.end(short.id, { ...ending, operation: operation() });
      clock.now += 2 * hour;
      await store.sweep(100);
      assert.notEqual(await store.find(short.id), null);
    },
  );

  behaviour(
    name,
    open,
    'G10: ending all spares one, raises the subject’s change, and refuses sign-ins checked before',
    async ({ store, clock }) => {
      const own = await created(store, 'u1');
      const other = await created(store, 'u1');
      const foreign = await created(store, 'u2');
      clock.now += minute;
      const options = { reason: 'password_changed', by: 'u1', except: own.id, operation: operation() } as const;
      assert.deepEqual(
        (await store.endAll('u1', options)).map(({ id }) => id),
        [other.id],
      );
      assert.equal((await found(store, own.id)).ending, undefined);
      assert.equal((await found(store, foreign.id)).ending, undefined);
      assert.equal((await store.subject('u1')).changedAt, clock.now);
      const checked = async (checkedAt: number): Promise<string> =>
        (await store.create(newSession('u1'), creating({ checkedAt }))).outcome;
      assert.equal(await checked(clock.now - 1), 'subject_changed');
      assert.equal(await checked(clock.now), 'subject_changed');
      assert.equal(await checked(clock.now + 1), 'created');
    },
  );

  behaviour(
    name,
    open,
    'G10: ending all but all ends none, raises the subject’s change, and refuses sign-ins checked before',
    async ({ store, clock }) => {
      const before = [await created(store, 'u1'), await created(store, 'u1')];
      clock.now += minute;
      const options = { reason: 'password_changed', by: 'u1', except: 'all', operation: operation() } as const;
      assert.deepEqual(await store.endAll('u1', options), []);
      for (const { id } of before) assert.equal((await found(store, id)).ending, undefined);
      const checked = async (checkedAt: number): Promise<string> =>
        (await store.create(newSession('u1'), creating({ checkedAt }))).outcome;
      assert.equal(await checked(clock.now), 'subject_changed');
      assert.equal(await checked(clock.now + 1), 'created');
    },
  );

  behaviour(name, open, 'G10: a session that has run out stops no change of permissions', async ({ store, clock }) => {
    const dead = await created(store, 'u1', { permissions: ['a'] });
    const live = await created(store, 'u1', { permissions: ['a'] });
    clock.now += 29 * minute;
    await store.touch([{ id: live.id, seenAt: clock.now }]);
    clock.now += minute;
    assert.equal(await store.setPermissions('u1', [], { operation: operation() }), 2);
    assert.deepEqual((await found(store, live.id)).permissions, []);
    assert.equal((await store.sweep(10)).expired[0]?.id, dead.id);
  });

  behaviour(
    name,
    open,
    'G10: a disabled subject has no sessions and gets none until enabled',
    async ({ store, clock }) => {
      const record = await created(store, 'u1');
      await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
      assert.equal((await found(store, record.id)).ending?.reason, 'account_disabled');
      assert.equal((await store.subject('u1')).disabled, true);
      clock.now += hour;
      assert.equal(
        (await store.create(newSession('u1'), creating({ checkedAt: clock.now }))).outcome,
        'subject_changed',
      );
      await store.enable('u1', { operation: operation() });
      assert.equal((await store.subject('u1')).disabled, false);
      // A password that was right while the account was disabled is asked for again.
      assert.equal(
        (await store.create(newSession('u1'), creating({ checkedAt: clock.now }))).outcome,
        'subject_changed',
      );
      assert.equal((await store.create(newSession('u1'), creating({ checkedAt: clock.now + 1 }))).outcome, 'created');
    },
  );

  behaviour(
    name,
    open,
    'G10: permissions taken away are gone at once, those given wait for a new secret',
    async ({ store }) => {
      const record = await created(store, 'u1', { permissions: ['a', 'b'] });
      const actor = {
        subject: 'root',
        reason: 'x',
        at: 1,
        until: 2,
        own: { permissions: [], factors: [], kind: 'standard', expiresAt: 1, data: '{}' },
      };
      const impersonated = await created(store, 'u1', { permissions: ['a'], actor });
      assert.equal(await store.setPermissions('u1', ['b', 'c'], { operation: operation() }), 2);
      const now = await found(store, record.id);
      assert.deepEqual(now.permissions, ['b']);
      assert.deepEqual(now.grants, ['c']);
      assert.equal(now.version, 2);
      // Whoever acts as somebody else is never given more.
      const acting = await found(store, impersonated.id);
      assert.deepEqual([acting.permissions, acting.grants], [[], undefined]);
      assert.equal(await store.setPermissions('u1', ['b', 'c'], { operation: operation() }), 0);
    },
  );

  behaviour(
    name,
    open,
    'data of a session that could not be continued waits for the next sign-in, once',
    async ({ store, clock }) => {
      const record = await created(store, 'u1', { data: '{"cart":["x"]}' });
      await store.end(record.id, { reason: 'rotation_lost', by: 'system', keepData: true, operation: operation() });
      const { kept } = await store.subject('u1');
      assert.equal(kept?.data, '{"cart":["x"]}');
      const create = async (given: string | null): Promise<string> =>
        (await store.create(newSession('u1'), creating({ checkedAt: clock.now + 1, kept: given }))).outcome;
      assert.equal(await create(null), 'conflict');
      assert.equal(await create('another'), 'conflict');
      assert.equal(await create(kept?.id ?? ''), 'created');
      assert.equal((await store.subject('u1')).kept, undefined);
      assert.equal(await create(null), 'created');
    },
  );

  behaviour(name, open, 'kept data lives no longer than its session would have', async ({ store, clock }) => {
    const record = await created(store, 'u1', { data: '{"a":1}' });
    await store.end(record.id, { reason: 'rotation_lost', by: 'system', keepData: true, operation: operation() });
    clock.now = record.expiresAt;
    assert.equal((await store.subject('u1')).kept, undefined);
    assert.equal(
      (await store.create(newSession('u1'), creating({ checkedAt: clock.now + 1, kept: null }))).outcome,
      'created',
    );
  });

  behaviour(name, open, 'G11: exactly one terminal event a session, whoever ends it how often', async ({ store }) => {
    const record = await created(store, 'u1');
    const calls = Array.from({ length: 8 }, (_, i) =>
      i % 2
        ? store.end(record.id, { ...ending, operation: operation() }).then((result) => Number(result?.ended))
        : store.endAll('u1', { ...ending, operation: operation() }).then((ended) => ended.length),
    );
    const counts = await Promise.all(calls);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      1,
    );
    const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
    assert.equal(terminal.length, 1);
  });
}
