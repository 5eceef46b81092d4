import assert from 'node:assert/strict';
import { allEvents, created, operation, writing } from '../../src/stores/contract/subject.ts';
import { onSeam, type Seam } from './redis-seam.ts';

/* What a decision rests on is read in several steps: another process may write between any two of them. */

const onRedis = onSeam();
const limit = { most: 2, over: 'end-oldest' } as const;

/** Signs u1 in elsewhere just before the given read of a subject. */
function signInBefore({ each, other }: Seam, what: 'its record' | 'its sessions'): void {
  const [name, key] = what === 'its record' ? ['GET', ':u:u1'] : ['ZRANGE', ':l:u1'];
  each.before = async (command) => {
    if (command[0] !== name || !command[1]?.endsWith(key)) return;
    each.before = () => {};
    await created(other, 'u1', {}, { limit });
  };
}

for (const what of ['its record', 'its sessions'] as const) {
  onRedis(`G9: the limit holds when another sign-in is written just before ${what} is read`, async (seam) => {
    const { store, other, each } = seam;
    await created(other, 'u1', {}, { limit });
    signInBefore(seam, what);
    const reading = each.before;
    await created(store, 'u1', {}, { limit });
    assert.notEqual(each.before, reading, 'the other sign-in came between');
    assert.equal((await store.list('u1')).live.length, 2);
  });

  onRedis(`G3: nothing stays signed in that signs in just before ${what} is read to end all`, async (seam) => {
    const { store, other } = seam;
    await created(other, 'u1');
    signInBefore(seam, what);
    await store.endAll('u1', { reason: 'account_disabled', by: 'x', disable: true, operation: operation() });
    assert.equal((await store.list('u1')).live.length, 0);
  });
}

onRedis('a purge removes what ends while it looks for what is live and what has ended', async (seam) => {
  const { store, other, each } = seam;
  const { id } = await created(other, 'u1');
  let looks = 0;
  each.before = async (command) => {
    if (command[0] === 'ZRANGE' && /:[lt]:u1$/.test(command[1] ?? '')) looks += 1;
    if (looks !== 2) return;
    each.before = () => {};
    await other.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  };
  await store.purge('u1', { operation: operation() });
  assert.equal(await store.find(id), null);
});

onRedis('a purge is not held up by what happens to others of its partition', async ({ store, other, each }) => {
  const { id } = await created(other, 'u1');
  const neighbour = await created(other, null, { id: `${id.charAt(0)}${'n'.repeat(22)}` });
  const notices = Array.from({ length: 500 }, () => ({ id, code: 'secret_mismatch', count: 1 }) as const);
  await other.note(notices);
  let version = 0;
  each.before = async ([name]) => {
    if (!name?.startsWith('EVAL')) return;
    version += 1;
    await other.update(neighbour.id, version, { data: '{}' }, writing());
  };
  await store.purge('u1', { operation: operation() });
  assert.ok((await allEvents(other)).every(({ event }) => event.subject === null));
  assert.ok(version < 10, 'some hundred events at a time');
});

onRedis('a purge that died on the way goes on when it is asked again', async ({ store, other, each }) => {
  const { id } = await created(other, 'u1');
  await other.note(Array.from({ length: 500 }, () => ({ id, code: 'secret_mismatch', count: 1 }) as const));
  let scripts = 0;
  each.before = ([name]) => {
    if (!name?.startsWith('EVAL')) return;
    scripts += 1;
    if (scripts === 3) throw new Error('gone');
  };
  await assert.rejects(store.purge('u1', { operation: operation() }));
  assert.ok((await allEvents(other)).some(({ event }) => event.subject === 'u1'));
  await other.purge('u1', { operation: operation() });
  assert.ok((await allEvents(other)).every(({ event }) => event.subject === null));
});
