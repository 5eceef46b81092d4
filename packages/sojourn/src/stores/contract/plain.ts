import assert from 'node:assert/strict';
import { SojournError } from '../../lifecycle/errors.ts';
import { isTerminal } from '../../lifecycle/events.ts';
import {
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

/** What each operation does when nobody interferes. */
export function plainBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'an id that was never given out is absent, not an error', async ({ store }) => {
    for (const id of ['Aunknown', 'A\0', 'A\ud800', 'A'.repeat(10_000)]) {
      assert.equal(await store.find(id), null);
      assert.equal(await store.end(id, { reason: 'revoked', by: 'x', operation: operation() }), null);
    }
    // What is no transaction of the engine's is never passed over.
    await assert.rejects(
      async () => store.find('Aunknown', {}),
      (error) => error instanceof SojournError && error.code === 'option_invalid',
    );
    const updated = await store.update('Aunknown', 1, { data: '{"a":1}' }, writing());
    assert.deepEqual(updated, { outcome: 'gone' });
    await store.touch([{ id: 'Aunknown', seenAt: store.now() }]);
    assert.deepEqual((await store.list('nobody')).live, []);
    assert.deepEqual(await store.subject('nobody'), {
      subject: 'nobody',
      changedAt: 0,
      disabled: false,
      kept: undefined,
    });
  });

  behaviour(
    name,
    open,
    'a created session is found as it was given, stamped with the engine’s time',
    async ({ store, clock }) => {
      const given = newSession('u1', {
        permissions: ['a'],
        factors: [{ method: 'password', at: 5 }],
        data: '{"cart":["x"]}',
      });
      const result = await store.create(given, creating());
      assert.equal(result.outcome, 'created');
      const { lifetime, ...rest } = given;
      const expected = {
        ...rest,
        version: 1,
        createdAt: clock.now,
        signedInAt: clock.now,
        lastSeenAt: clock.now,
        rotatedAt: clock.now,
        expiresAt: clock.now + lifetime,
      };
      assert.deepEqual(await store.find(given.id), expected);
      assert.deepEqual((await store.list('u1')).live, [expected]);
    },
  );

  behaviour(name, open, 'an anonymous session has no subject and was never signed in', async ({ store }) => {
    const record = await created(store, null);
    assert.equal(record.subject, null);
    assert.equal(record.signedInAt, null);
  });

  behaviour(name, open, 'an earlier absolute limit holds', async ({ store, clock }) => {
    const record = await created(store, 'u1', { notAfter: clock.now + minute });
    assert.equal(record.expiresAt, clock.now + minute);
  });

  behaviour(
    name,
    open,
    'an update sets what it names, removes what it names undefined, and raises the version',
    async ({ store }) => {
      const record = await created(store, 'u1', { grants: ['b'] });
      const updated = await store.update(record.id, 1, { data: '{"n":1}', grants: undefined }, writing());
      assert.equal(updated.outcome, 'updated');
      const now = await found(store, record.id);
      assert.equal(now.data, '{"n":1}');
      assert.equal(now.grants, undefined);
      assert.equal(now.version, 2);
      assert.deepEqual(now.permissions, record.permissions);
    },
  );

  behaviour(name, open, 'a touch moves last seen and nothing else, forward only', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    clock.now += minute;
    await store.touch([{ id: record.id, seenAt: clock.now }]);
    assert.deepEqual(await found(store, record.id), { ...record, lastSeenAt: clock.now });
    await store.touch([{ id: record.id, seenAt: record.createdAt }]);
    assert.equal((await found(store, record.id)).lastSeenAt, clock.now);
  });

  behaviour(
    name,
    open,
    'an ending drops the data and keeps what refuses the token and says why',
    async ({ store, clock }) => {
      const record = await created(store, 'u1', { permissions: ['a'], data: '{"cart":["x"]}' });
      clock.now += minute;
      const result = await store.end(record.id, { reason: 'signed_out', by: 'u1', operation: operation() });
      assert.equal(result?.ended, true);
      const tombstone = await found(store, record.id);
      assert.deepEqual(tombstone.ending, { reason: 'signed_out', at: clock.now, by: 'u1' });
      assert.equal(tombstone.data, '{}');
      assert.deepEqual(tombstone.permissions, []);
      assert.equal(tombstone.secretHash, record.secretHash);
      assert.deepEqual((await store.list('u1')).live, []);
    },
  );

  behaviour(
    name,
    open,
    'a list shows a subject’s live sessions newest first and the ended ones of 28 days',
    async ({ store, clock }) => {
      const first = await created(store, 'u1');
      clock.now += minute;
      const second = await created(store, 'u1');
      await created(store, 'u2');
      assert.deepEqual(
        (await store.list('u1')).live.map(({ id }) => id),
        [second.id, first.id],
      );
      await store.end(first.id, { reason: 'revoked', by: 'u1', operation: operation() });
      clock.now += minute;
      await store.end(second.id, { reason: 'signed_out', by: 'u1', operation: operation() });
      const { live, ended } = await store.list('u1');
      assert.deepEqual(live, []);
      assert.deepEqual(
        ended.map(({ sessionId, reason }) => [sessionId, reason]),
        [
          [second.id, 'signed_out'],
          [first.id, 'revoked'],
        ],
      );
      clock.now += 28 * 24 * hour + 1;
      assert.deepEqual((await store.list('u1')).ended, []);
    },
  );

  behaviour(
    name,
    open,
    'pages visit every record once, in the order of ids, and narrow by state and kind',
    async ({ store }) => {
      const all = new Set<string>();
      for (let i = 0; i < 5; i++) all.add((await created(store, `u${i}`)).id);
      const visitor = await created(store, null);
      all.add(visitor.id);
      const ended = await created(store, 'u9', { kind: 'remembered' });
      await store.end(ended.id, { reason: 'revoked', by: 'x', operation: operation() });
      all.add(ended.id);
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof store.page>> = await store.page(after, 3);
        seen.push(...page.records.map(({ id }) => id));
        after = page.after;
      } while (after !== null);
      assert.deepEqual(seen, [...all].sort());
      const ids = async (filter: Parameters<typeof store.page>[2]): Promise<string[]> =>
        (await store.page(null, 100, filter)).records.map(({ id }) => id);
      assert.deepEqual(await ids({ state: 'anonymous' }), [visitor.id]);
      assert.deepEqual(await ids({ state: 'ended' }), [ended.id]);
      assert.deepEqual(await ids({ kind: 'remembered' }), [ended.id]);
      assert.equal((await ids({ state: 'signed-in' })).length, 5);
    },
  );

  behaviour(name, open, 'a purge leaves nothing that tells who somebody was', async ({ store }) => {
    const record = await created(store, 'u1', { device: { label: 'x', userAgent: 'y', address: 'z', addedAt: 1 } });
    const old = await created(store, 'u1');
    await store.end(old.id, { reason: 'revoked', by: 'u1', operation: operation() });
    const ended = await store.purge('u1', { operation: operation() });
    assert.deepEqual(
      ended.map(({ id }) => id),
      [record.id],
    );
    assert.equal(await store.find(record.id), null);
    assert.equal(await store.find(old.id), null);
    assert.deepEqual(await store.list('u1'), { live: [], ended: [] });
    const { events } = await store.events(null, 100);
    assert.equal(events.filter(({ event }) => isTerminal(event)).length, 2);
    assert.doesNotMatch(JSON.stringify(events), /"u1"|"device"/);
    // A sign-in checked before does not bring the subject back.
    const late = await store.create(newSession('u1'), creating({ checkedAt: store.now() }));
    assert.equal(late.outcome, 'subject_changed');
  });

  behaviour(name, open, 'a purge erases whatever text tells who somebody was', async ({ store }) => {
    // NUL, half of a pair, and what looks like the escapes of both.
    const label = '\0 \ud83d \\u0000 \\\\ud83d';
    const record = await created(store, 'u1', { device: { label, userAgent: label, address: label, addedAt: 1 } });
    await store.end(record.id, { reason: 'revoked', by: label, operation: operation() });
    assert.equal((await store.list('u1')).ended[0]?.device?.label, label);
    await store.purge('u1', { operation: operation() });
    const { events } = await store.events(null, 100);
    assert.equal(events.filter(({ event }) => isTerminal(event)).length, 1);
    assert.doesNotMatch(JSON.stringify(events), /"u1"|"device"|"by"/);
  });

  behaviour(name, open, 'a purge also removes what was swept days late', async ({ store, clock }) => {
    const record = await created(store, 'u1', { lifetime: hour });
    clock.now += 50 * hour;
    await store.sweep(100);
    assert.equal((await found(store, record.id)).ending?.reason, 'session_expired_absolute');
    await store.purge('u1', { operation: operation() });
    assert.equal(await store.find(record.id), null);
  });

  behaviour(name, open, 'notices become events of the session they are about', async ({ store }) => {
    const record = await created(store, 'u1');
    await store.note([
      { id: record.id, code: 'secret_mismatch', count: 3 },
      { id: 'Aunknown', code: 'secret_mismatch', count: 1 },
    ]);
    const { events } = await store.events(null, 100);
    const last = events.at(-1)?.event;
    assert.equal(last?.type, 'noticed');
    assert.equal(last?.code, 'secret_mismatch');
    assert.equal(last?.count, 3);
    assert.equal(events.length, 2);
  });

  behaviour(name, open, 'who watches is called after a write, and not after stopping', async ({ store }) => {
    let calls = 0;
    let called = (): void => {};
    const once = new Promise<void>((resolve) => {
      called = resolve;
    });
    const stop = store.watch(() => {
      calls += 1;
      called();
    });
    await created(store, 'u1');
    await once;
    stop();
    const before = calls;
    await created(store, 'u2');
    await created(store, 'u3');
    assert.equal(calls, before);
  });
}
