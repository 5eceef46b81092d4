import assert from 'node:assert/strict';
import { isTerminal } from '../../src/lifecycle/events.ts';
import type { Created, CreateOptions } from '../../src/lifecycle/ports.ts';
import type { SessionRecord } from '../../src/lifecycle/session.ts';
import {
  allEvents,
  created,
  creating,
  found,
  minute,
  newSession,
  operation,
  writing,
} from '../../src/stores/contract/subject.ts';
import { code } from '../lab.ts';
import { beforeCommit, onSeam, type Seam } from './redis-seam.ts';

/* Where no script reaches both, a sign-in makes its session, ends the visitor's, then confirms: what may come between. */

const onCluster = onSeam('redis cluster');
const limit = { most: 2, over: 'end-oldest' } as const;
const making = 1;
const ending = 2;
const confirming = 3;

/** A visitor, and u1 with as many sessions as the limit allows, the oldest first. */
async function scene({ other, clock }: Seam): Promise<{ visitor: SessionRecord; first: SessionRecord }> {
  const visitor = await created(other, null, { data: '{"cart":["x"]}' });
  const first = await created(other, 'u1', {}, { limit });
  clock.now += 1;
  await created(other, 'u1', {}, { limit });
  clock.now += 1;
  return { visitor, first };
}

function signIn(
  { store, clock }: Seam,
  { id, version }: SessionRecord,
  more: Partial<CreateOptions> = {},
): Promise<Created> {
  const options = creating({ limit, checkedAt: clock.now, replaces: { id, version }, ...more });
  return Promise.resolve(store.create(newSession('u1', { permissions: ['a'] }), options));
}

async function live({ store }: Seam): Promise<readonly SessionRecord[]> {
  return (await store.list('u1')).live;
}

onCluster('a visitor who is seen while they sign in is signed in, with a session that lives', async (seam) => {
  const { visitor, first } = await scene(seam);
  const seenAt = seam.clock.now + 5;
  beforeCommit(seam, ending, () => seam.other.touch([{ id: visitor.id, seenAt }]));
  const made = await signIn(seam, visitor);
  assert.equal(made.outcome, 'created');
  const [newest, ...others] = await live(seam);
  assert.deepEqual(newest, made.record);
  assert.equal(others.length, 1);
  const old = await found(seam.store, visitor.id);
  assert.deepEqual([old.ending?.replacedBy, old.lastSeenAt], [made.record.id, seenAt]);
  assert.equal((await found(seam.store, first.id)).ending?.reason, 'limit_reached');
});

onCluster('a visitor who writes while they sign in is a conflict, and nobody is signed out for it', async (seam) => {
  const { visitor, first } = await scene(seam);
  beforeCommit(seam, ending, () => seam.other.update(visitor.id, 1, { data: '{"cart":["y"]}' }, writing()));
  assert.equal((await signIn(seam, visitor)).outcome, 'conflict');
  assert.equal((await found(seam.store, first.id)).ending, undefined);
  assert.equal((await live(seam)).length, 2);
  assert.equal((await found(seam.store, visitor.id)).data, '{"cart":["y"]}');
});

onCluster('a visitor who signs in elsewhere meanwhile is gone, to where they went', async (seam) => {
  const visitor = await created(seam.other, null);
  const elsewhere: Created[] = [];
  beforeCommit(seam, ending, async () => elsewhere.push(await signIn({ ...seam, store: seam.other }, visitor)));
  const gone = await signIn(seam, visitor);
  const [made] = elsewhere;
  assert.ok(gone.outcome === 'gone' && made?.outcome === 'created');
  assert.equal(gone.record?.ending?.replacedBy, made.record.id);
  assert.deepEqual(await live(seam), [made.record]);
});

onCluster('what is withdrawn ends also when it has been written meanwhile', async (seam) => {
  const { visitor } = await scene(seam);
  beforeCommit(seam, ending, async () => {
    await seam.other.update(visitor.id, 1, { data: '{"cart":["y"]}' }, writing());
    await seam.other.setPermissions('u1', ['b'], { operation: operation() });
  });
  assert.equal((await signIn(seam, visitor)).outcome, 'conflict');
  assert.equal((await live(seam)).length, 2);
});

onCluster('data that was kept stays kept when the sign-in that took it is withdrawn', async (seam) => {
  const { store, other } = seam;
  const { visitor, first } = await scene(seam);
  await other.update(first.id, 1, { data: '{"n":1}' }, writing());
  await other.end(first.id, { reason: 'rotation_lost', by: 'system', keepData: true, operation: operation() });
  beforeCommit(seam, ending, () => other.update(visitor.id, 1, { data: '{"n":2}' }, writing()));
  assert.equal((await signIn(seam, visitor, { kept: first.id })).outcome, 'conflict');
  assert.equal((await store.subject('u1')).kept?.data, '{"n":1}');
  const again = await signIn(seam, await found(store, visitor.id), { kept: first.id });
  assert.equal(again.outcome, 'created');
  assert.equal((await store.subject('u1')).kept, undefined);
});

onCluster('permissions set before a sign-in is confirmed leave it its idle limit', async (seam) => {
  const { visitor } = await scene(seam);
  beforeCommit(seam, confirming, () => seam.other.setPermissions('u1', [], { operation: operation() }));
  const made = await signIn(seam, visitor);
  assert.equal(made.outcome, 'created');
  const { idleTimeout, permissions } = await found(seam.store, made.record.id);
  assert.deepEqual({ idleTimeout, permissions }, { idleTimeout: 30 * minute, permissions: [] });
});

onCluster('G3: a sign-in that was ended before it is confirmed is not answered as made', async (seam) => {
  const { visitor } = await scene(seam);
  const all = { reason: 'password_changed', by: 'u1', operation: operation() } as const;
  beforeCommit(seam, confirming, () => seam.other.endAll('u1', all));
  assert.equal((await signIn(seam, visitor)).outcome, 'gone');
  assert.deepEqual(await live(seam), []);
});

onCluster('G8: a sign-in that is confirmed too late ends nobody, and is no session for long', async (seam) => {
  const { visitor, first } = await scene(seam);
  const until = seam.clock.now + 50;
  // The engine has the step's own time with it: what comes after is late.
  beforeCommit(seam, ending, async () => {
    seam.clock.now = until;
  });
  await assert.rejects(signIn(seam, visitor, { until }), code('store_unavailable'));
  assert.equal((await found(seam.store, first.id)).ending, undefined);
  const [newest] = await live(seam);
  assert.equal(newest?.idleTimeout, 2 * minute);
});

onCluster('G11: each ending of a sign-in in parts is told once', async (seam) => {
  const { visitor, first } = await scene(seam);
  beforeCommit(seam, making, () => seam.other.end(first.id, { reason: 'revoked', by: 'x', operation: operation() }));
  assert.equal((await signIn(seam, visitor)).outcome, 'created');
  const told = (await allEvents(seam.store)).map(({ event }) => event).filter(isTerminal);
  assert.deepEqual(told.map(({ sessionId }) => sessionId).sort(), [first.id, visitor.id].sort());
});
