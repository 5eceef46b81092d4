import assert from 'node:assert/strict';
import { isTerminal } from '../../lifecycle/events.ts';
import { isLive } from '../../lifecycle/session.ts';
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
  recordOf,
  seeded,
  writing,
} from './subject.ts';

/** Many at once, the same twice, and clocks that step. */
export function raceBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'G4: of updates that name one version exactly one is written', async ({ store }) => {
    const record = await created(store, 'u1');
    const writes = Array.from({ length: 20 }, (_, i) =>
      store.update(record.id, 1, { data: JSON.stringify({ writer: i }) }, writing()),
    );
    const outcomes = (await Promise.all(writes)).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'updated').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'conflict').length, 19);
    const now = await found(store, record.id);
    assert.equal(now.version, 2);
    assert.equal(JSON.parse(now.data).writer, outcomes.indexOf('updated'));
  });

  behaviour(name, open, 'a touch does not make an update conflict', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    clock.now += minute;
    await store.touch([{ id: record.id, seenAt: clock.now }]);
    assert.equal((await store.update(record.id, 1, { data: '{"a":1}' }, writing())).outcome, 'updated');
    assert.equal((await found(store, record.id)).lastSeenAt, clock.now);
  });

  for (const over of ['end-oldest', 'end-idlest', 'refuse'] as const) {
    behaviour(name, open, `G9: the limit holds under parallel sign-ins (${over})`, async ({ store, clock }) => {
      const limit = { most: 5, over };
      const results = await Promise.all(
        Array.from({ length: 40 }, () => store.create(newSession('u1'), creating({ limit, checkedAt: clock.now + 1 }))),
      );
      assert.equal((await store.list('u1')).live.length, 5);
      const made = results.filter(({ outcome }) => outcome === 'created').length;
      assert.equal(made, over === 'refuse' ? 5 : 40);
      const ended = (await allEvents(store)).filter(({ event }) => isTerminal(event));
      assert.equal(ended.length, made - 5);
      assert.ok(ended.every(({ event }) => event.reason === 'limit_reached'));
    });
  }

  behaviour(
    name,
    open,
    'G9: of many sign-ins of one user at once each is answered as if it were alone',
    async ({ store, clock }) => {
      await store.endAll('u1', { reason: 'revoked', by: 'u1', operation: operation() });
      const changed = clock.now;
      clock.now += minute;
      const limit = { most: 3, over: 'end-oldest' } as const;
      const asked = { limit, checkedAt: clock.now };
      const twice = newSession('u1');
      const results = await Promise.allSettled([
        store.create(newSession('u1'), creating({ ...asked, until: clock.now })),
        store.create(newSession('u1'), creating({ ...asked, checkedAt: changed })),
        store.create(twice, creating(asked)),
        store.create(twice, creating(asked)),
        ...Array.from({ length: 36 }, () => store.create(newSession('u1'), creating(asked))),
      ]);
      const made = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      const refused = results.flatMap((one) => (one.status === 'rejected' ? one.reason.code : []));
      assert.deepEqual(refused, ['store_unavailable']);
      assert.equal(made.shift()?.outcome, 'subject_changed');
      // Where it came so late that what it asks for had ended again, its sender is told so.
      const [first, repeated] = made.splice(0, 2);
      assert.ok([first, repeated].some((one) => one?.outcome === 'created'));
      assert.ok([first, repeated].every((one) => one?.outcome === 'created' || one?.outcome === 'conflict'));
      const ids = new Set([twice.id, ...made.map((one) => recordOf(one).id)]);
      assert.equal(ids.size, 37);
      const answers = [first, repeated, ...made].flatMap((one) => (one?.outcome === 'created' ? one.ended : []));
      const ended = new Set(answers.map(({ id }) => id));
      assert.equal(ended.size, 34);
      const live = (await store.list('u1')).live.map(({ id }) => id);
      assert.deepEqual(new Set(live), new Set([...ids].filter((id) => !ended.has(id))));
      const told = Map.groupBy(await allEvents(store), ({ event }) => event.sessionId);
      for (const id of ids) {
        const types = live.includes(id) ? ['signed_in'] : ['signed_in', 'terminated'];
        assert.deepEqual(
          told.get(id)?.map(({ event }) => event.type),
          types,
        );
      }
    },
  );

  behaviour(
    name,
    open,
    'G9: what is ended over the limit is the oldest, or the one unused longest',
    async ({ store, clock }) => {
      const make = async (): Promise<string> => {
        clock.now += minute;
        return (await created(store, 'u1')).id;
      };
      const first = await make();
      const second = await make();
      const third = await make();
      clock.now += minute;
      await store.touch([{ id: first, seenAt: clock.now }]);
      await created(store, 'u1', {}, { limit: { most: 3, over: 'end-idlest' } });
      assert.equal((await found(store, second)).ending?.reason, 'limit_reached');
      await created(store, 'u1', {}, { limit: { most: 3, over: 'end-oldest' } });
      assert.equal((await found(store, first)).ending?.reason, 'limit_reached');
      assert.equal((await found(store, third)).ending, undefined);
    },
  );

  behaviour(name, open, 'G9: sessions dead by the clock do not count and end as expired', async ({ store, clock }) => {
    const dead = await created(store, 'u1');
    clock.now += hour;
    const limit = { most: 1, over: 'refuse' } as const;
    await created(store, 'u1', {}, { limit });
    assert.equal((await found(store, dead.id)).ending?.reason, 'session_expired_idle');
    const refused = await store.create(newSession('u1'), creating({ limit, checkedAt: clock.now + 1 }));
    assert.equal(refused.outcome, 'limit_reached');
  });

  behaviour(
    name,
    open,
    'G14: visitors’ records are bounded and never displace signed-in ones',
    async ({ store, clock }) => {
      const user = await created(store, 'u1');
      const results = await Promise.all(
        Array.from({ length: 20 }, () => store.create(newSession(null), creating({ mostAnonymous: 5 }))),
      );
      assert.equal(results.filter(({ outcome }) => outcome === 'created').length, 5);
      assert.equal(results.filter(({ outcome }) => outcome === 'anonymous_full').length, 15);
      assert.ok(isLive(await found(store, user.id), clock.now));
      // Signing in makes room, as ending and expiring do.
      const visitor = results.find(({ outcome }) => outcome === 'created');
      assert.ok(visitor?.outcome === 'created');
      await created(store, 'u2', {}, { replaces: { id: visitor.record.id, version: 1 } });
      assert.equal((await store.create(newSession(null), creating({ mostAnonymous: 5 }))).outcome, 'created');
      clock.now += hour;
      await store.sweep(100);
      assert.equal((await store.create(newSession(null), creating({ mostAnonymous: 1 }))).outcome, 'created');
      for (const mostAnonymous of [2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
        await created(store, null, {}, { mostAnonymous });
      }
    },
  );

  behaviour(
    name,
    open,
    'a session is replaced at the version whose data was handed over, once',
    async ({ store, clock }) => {
      const visitor = await created(store, null, { data: '{"cart":["x"]}' });
      await store.update(visitor.id, 1, { data: '{"cart":["x","y"]}' }, writing());
      const replace = (version: number): ReturnType<typeof store.create> =>
        store.create(newSession('u1'), creating({ checkedAt: clock.now + 1, replaces: { id: visitor.id, version } }));
      assert.equal((await replace(1)).outcome, 'conflict');
      const results = await Promise.all([replace(2), replace(2), replace(2)]);
      assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['created', 'gone', 'gone']);
      const gone = results.find((result) => result.outcome === 'gone');
      assert.ok(gone?.outcome === 'gone');
      assert.equal(gone.record?.ending?.replacedBy, (await store.list('u1')).live[0]?.id);
    },
  );

  behaviour(name, open, 'a repeated write is done once and answers as the first time', async ({ store }) => {
    const session = newSession('u1');
    const create = creating({ checkedAt: store.now() + 1 });
    const first = await store.create(session, create);
    assert.deepEqual(recordOf(await store.create(session, create)), recordOf(first));
    const update = writing({ events: [{ type: 'rotated' }] });
    const once = await store.update(session.id, 1, { data: '{"n":1}' }, update);
    assert.deepEqual(await store.update(session.id, 1, { data: '{"n":1}' }, update), once);
    const end = { reason: 'signed_out', by: 'u1', operation: operation() } as const;
    assert.equal((await store.end(session.id, end))?.ended, true);
    assert.equal((await store.end(session.id, end))?.ended, true);
    assert.deepEqual(
      (await allEvents(store)).map(({ event }) => event.type),
      ['signed_in', 'rotated', 'terminated'],
    );
    assert.equal((await store.create(session, create)).outcome, 'conflict', 'nobody is signed in with what has ended');
  });

  behaviour(name, open, 'a repeated ending of all answers alike and ends nothing else', async ({ store, clock }) => {
    const ids = [(await created(store, 'u1')).id, (await created(store, 'u1')).id].sort();
    // Any text names an operation.
    const end = { reason: 'revoked', by: 'x', operation: `"\\ ${operation()}`, disable: true } as const;
    const endAll = async (): Promise<string[]> => (await store.endAll('u1', end)).map(({ id }) => id).sort();
    assert.deepEqual(await endAll(), ids);
    const { changedAt } = await store.subject('u1');
    clock.now += minute;
    await store.enable('u1', { operation: operation() });
    const enabledAt = (await store.subject('u1')).changedAt;
    clock.now += minute;
    const since = await created(store, 'u1');
    assert.deepEqual(await endAll(), ids);
    assert.equal((await found(store, since.id)).ending, undefined);
    assert.deepEqual(await store.subject('u1'), {
      subject: 'u1',
      changedAt: enabledAt,
      disabled: false,
      kept: undefined,
    });
    assert.notEqual(changedAt, enabledAt);
    assert.equal((await allEvents(store)).filter(({ event }) => isTerminal(event)).length, 2);
  });

  behaviour(name, open, 'a repeated change of permissions answers alike', async ({ store, clock }) => {
    await created(store, 'u1', { permissions: ['a'] });
    await created(store, 'u1', { permissions: ['a', 'b'] });
    const set = { operation: operation() };
    assert.equal(await store.setPermissions('u1', ['a'], set), 1);
    const { changedAt } = await store.subject('u1');
    clock.now += minute;
    assert.equal(await store.setPermissions('u1', ['a'], set), 1);
    assert.equal((await store.subject('u1')).changedAt, changedAt);
  });

  behaviour(
    name,
    open,
    'a clock set back refuses a changed subject once, not for as long as it was ahead',
    async ({ store, clock }) => {
      await store.setPermissions('u1', ['a'], { operation: operation() });
      clock.now -= hour;
      const signIn = (): ReturnType<typeof store.create> =>
        store.create(newSession('u1'), creating({ checkedAt: clock.now }));
      assert.equal((await signIn()).outcome, 'subject_changed');
      clock.now += 1;
      assert.equal((await signIn()).outcome, 'created');
    },
  );

  behaviour(name, open, 'times never go back when the machine’s clock does', async ({ store, clock }) => {
    const record = await created(store, 'u1');
    clock.now -= 2 * minute;
    await store.touch([{ id: record.id, seenAt: clock.now }]);
    await store.update(record.id, 1, { data: '{"a":1}' }, writing({ seenAt: clock.now }));
    assert.equal((await found(store, record.id)).lastSeenAt, record.lastSeenAt);
    await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
    const ended = await found(store, record.id);
    assert.ok((ended.ending?.at ?? 0) >= record.lastSeenAt);
    const changed = (await store.subject('u1')).changedAt;
    clock.now -= hour;
    await store.setPermissions('u1', ['a'], { operation: operation() });
    assert.equal((await store.subject('u1')).changedAt, changed);
  });

  behaviour(
    name,
    open,
    'G3 G4 G11: two hundred mixed operations at once keep every invariant',
    async ({ store, clock }) => {
      const random = seeded(20_261_122);
      const ids = await Promise.all(Array.from({ length: 10 }, async (_, i) => (await created(store, `u${i % 3}`)).id));
      const pick = (): string => ids[Math.floor(random() * ids.length)] ?? '';
      const acknowledged = new Map<string, number>();
      const ended = new Set<string>();
      const write = async (id: string): Promise<void> => {
        let outcome = 'conflict';
        while (outcome === 'conflict') {
          const record = await found(store, id);
          const data = JSON.stringify({ n: (JSON.parse(record.data).n ?? 0) + 1 });
          ({ outcome } = await store.update(id, record.version, { data }, writing()));
        }
        if (outcome === 'updated') acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
      };
      const step = async (): Promise<void> => {
        const id = pick();
        const dice = random();
        if (dice < 0.6) await write(id);
        else if (dice < 0.8) await store.touch([{ id, seenAt: clock.now + 1 }]);
        else if (dice < 0.85 && (await store.end(id, { reason: 'revoked', by: 'x', operation: operation() }))?.ended)
          ended.add(id);
        else
          await store.setPermissions(`u${Math.floor(random() * 3)}`, [`p${Math.floor(random() * 3)}`], {
            operation: operation(),
          });
      };
      await Promise.all(Array.from({ length: 200 }, step));
      for (const id of ids) {
        const record = await found(store, id);
        assert.equal(record.ending !== undefined, ended.has(id));
        if (!record.ending) assert.equal(JSON.parse(record.data).n ?? 0, acknowledged.get(id) ?? 0);
      }
      const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
      assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), [...ended].sort());
    },
  );
}
