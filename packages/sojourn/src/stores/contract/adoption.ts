import assert from 'node:assert/strict';
import type { Adopted, Store, SubjectRecord } from '../../lifecycle/ports.ts';
import { type Ending, type SessionRecord, stamped, tombstone } from '../../lifecycle/session.ts';
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

/** A session as another engine has it. */
function theirs(subject: string | null, at: number, more: Partial<SessionRecord> = {}): SessionRecord {
  return { ...stamped(newSession(subject), at), ...more };
}

/** The same after another write there. */
function written(record: SessionRecord, more: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, version: record.version + 1, operation: operation(), ...more };
}

function endedAt(record: SessionRecord, at: number, more: Partial<Ending> = {}): SessionRecord {
  return tombstone(record, { reason: 'signed_out', at, by: 'u1', ...more }, operation());
}

async function adopt(
  store: Store,
  sessions: readonly SessionRecord[],
  subjects: readonly SubjectRecord[] = [],
): Promise<readonly string[]> {
  const adopted = await store.adopt(sessions, subjects, { operation: operation() });
  return adopted.map(outcomeOf);
}

function outcomeOf(one: Adopted): string {
  return one.outcome === 'refused' ? one.why : one.outcome;
}

const asHere = (record: SessionRecord): SessionRecord => ({ ...record, adopted: record.operation });

/** Sessions that come from another engine. */
export function adoptionBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'a session of another engine is here as it was there', async ({ store, clock }) => {
    const { mark } = await store.beat(null);
    const at = clock.now - minute;
    const full = theirs('u1', at, {
      ...{ version: 7, generation: 3, permissions: ['a'], grants: ['b'], data: '{"cart":["x"]}' },
      factors: [{ method: 'password', at }],
      successor: { hash: 'next', sealed: 'sealed', at },
      retired: [{ hash: 'old', until: at }],
      device: { label: 'Firefox', userAgent: 'Mozilla', address: '192.0.2.0', addedAt: at },
    });
    const visitor = theirs(null, at);
    const ended = endedAt(theirs('u2', at), clock.now, { reason: 'password_changed' });
    assert.deepEqual(await adopt(store, [full, visitor, ended]), ['adopted', 'adopted', 'adopted']);
    for (const record of [full, visitor, ended]) assert.deepEqual(await store.find(record.id), asHere(record));
    assert.deepEqual((await store.list('u1')).live, [asHere(full)]);
    // Nothing has happened here, but whoever keeps copies is told.
    assert.deepEqual(await allEvents(store), []);
    const { changed } = await store.beat(mark);
    assert.deepEqual(changed.map(({ id }) => id).sort(), [full.id, visitor.id, ended.id].sort());
    assert.equal((await store.update(full.id, 7, { data: '{"n":1}' }, writing())).outcome, 'updated');
    assert.equal((await store.end(visitor.id, { reason: 'revoked', by: 'x', operation: operation() }))?.ended, true);
  });

  behaviour(
    name,
    open,
    'G6 G9 G14: what was adopted runs out in its own time, and counts',
    async ({ store, clock }) => {
      const visitor = theirs(null, clock.now);
      const short = theirs('u1', clock.now - 20 * minute);
      const long = theirs('u1', clock.now);
      await adopt(store, [visitor, short, long]);
      assert.equal((await store.create(newSession(null), creating({ mostAnonymous: 1 }))).outcome, 'anonymous_full');
      const limit = { most: 2, over: 'refuse' } as const;
      const signIn = async (): Promise<string> =>
        (await store.create(newSession('u1'), creating({ limit, checkedAt: clock.now + 1 }))).outcome;
      assert.equal(await signIn(), 'limit_reached');
      clock.now += 10 * minute;
      assert.equal((await store.sweep(10)).expired[0]?.id, short.id);
      assert.equal(await signIn(), 'created');
      clock.now += 20 * minute;
      await store.sweep(10);
      assert.equal((await store.create(newSession(null), creating({ mostAnonymous: 1 }))).outcome, 'created');
    },
  );

  behaviour(name, open, 'a later state of what was adopted replaces it, and touches move', async ({ store, clock }) => {
    const first = theirs('u1', clock.now, { permissions: ['a'] });
    assert.deepEqual(await adopt(store, [first]), ['adopted']);
    assert.deepEqual(await adopt(store, [first]), ['unchanged']);
    clock.now += minute;
    const seen = { ...first, lastSeenAt: clock.now };
    assert.deepEqual(await adopt(store, [seen]), ['adopted']);
    assert.deepEqual(await adopt(store, [first]), ['unchanged']);
    const later = written(seen, { permissions: [], data: '{"n":1}' });
    await store.touch([{ id: first.id, seenAt: clock.now + 1 }]);
    assert.deepEqual(await adopt(store, [later]), ['adopted']);
    assert.deepEqual(await store.find(first.id), asHere({ ...later, lastSeenAt: clock.now + 1 }));
    assert.deepEqual(await adopt(store, [seen]), ['newer']);
  });

  behaviour(
    name,
    open,
    'G4: what was written here since is left, and a write on both sides is refused',
    async ({ store, clock }) => {
      const first = theirs('u1', clock.now);
      await adopt(store, [first]);
      await store.update(first.id, 1, { data: '{"here":1}' }, writing());
      const here = await found(store, first.id);
      assert.deepEqual(await adopt(store, [first]), ['newer']);
      assert.deepEqual(await adopt(store, [written(written(first))]), ['written_here_too']);
      assert.deepEqual(await adopt(store, [theirs('u1', clock.now, { id: first.id })]), ['written_here_too']);
      assert.deepEqual(await store.find(first.id), here);
    },
  );

  behaviour(
    name,
    open,
    'what had gone to another engine comes back with what was written there',
    async ({ store, clock }) => {
      const own = await created(store, 'u1');
      const there = asHere(own);
      assert.deepEqual(await adopt(store, [there]), ['unchanged']);
      const back = written(there, { data: '{"there":1}' });
      assert.deepEqual(await adopt(store, [back]), ['adopted']);
      assert.deepEqual(await store.find(own.id), asHere(back));
      clock.now += minute;
      assert.deepEqual(await adopt(store, [endedAt(back, clock.now)]), ['ended']);
    },
  );

  behaviour(
    name,
    open,
    'G3 G11: an ending there ends it here, once, and nothing revives it',
    async ({ store, clock }) => {
      const [quiet, busy, visitor] = [theirs('u1', clock.now), theirs('u1', clock.now), theirs(null, clock.now)];
      await adopt(store, [quiet, busy, visitor]);
      await store.update(busy.id, 1, { data: '{"here":1}' }, writing());
      clock.now += minute;
      const endings = [quiet, busy, visitor].map((record) => endedAt(written(record), clock.now - 1));
      const cursor = await store.cursor();
      assert.deepEqual(await adopt(store, endings), ['ended', 'ended', 'ended']);
      assert.deepEqual(await adopt(store, endings), ['unchanged', 'unchanged', 'unchanged']);
      assert.deepEqual(await adopt(store, [written(written(quiet))]), ['newer']);
      for (const { id, ending } of endings) assert.deepEqual((await found(store, id)).ending, ending);
      const events = (await allEvents(store, cursor)).map(({ event }) => [event.type, event.sessionId, event.reason]);
      assert.deepEqual(events.sort(), endings.map(({ id }) => ['terminated', id, 'signed_out']).sort());
      assert.deepEqual((await store.list('u1')).live, []);
    },
  );

  behaviour(
    name,
    open,
    'G6: one that ran out there lives on where it was seen here, else it ends',
    async ({ store, clock }) => {
      const [seen, unseen] = [theirs('u1', clock.now), theirs('u1', clock.now)];
      await adopt(store, [seen, unseen]);
      clock.now += 29 * minute;
      await store.touch([{ id: seen.id, seenAt: clock.now }]);
      clock.now += 2 * minute;
      const expired = [seen, unseen].map((record) =>
        endedAt(record, clock.now - minute, { reason: 'session_expired_idle', by: 'clock' }),
      );
      assert.deepEqual(await adopt(store, expired), ['newer', 'ended']);
      assert.equal((await found(store, unseen.id)).ending?.reason, 'session_expired_idle');
    },
  );

  behaviour(name, open, 'what nobody remembers any more is passed over', async ({ store, clock }) => {
    const old = clock.now - 100 * hour;
    const records = [theirs('u1', old), endedAt(theirs('u1', old), old + minute), theirs(null, old)];
    assert.deepEqual(await adopt(store, records), ['past', 'past', 'past']);
    const yesterday = theirs('u1', clock.now - 23 * hour);
    assert.deepEqual(await adopt(store, [yesterday]), ['adopted']);
    assert.equal((await store.sweep(10)).expired[0]?.id, yesterday.id);
  });
}
