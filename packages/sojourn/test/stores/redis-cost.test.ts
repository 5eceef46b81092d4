import assert from 'node:assert/strict';
import { allEvents, created, hour, operation } from '../../src/stores/contract/subject.ts';
import { onSeam, type Seam } from './redis-seam.ts';

/* What an operation sends must not grow with what it does not need. */

const onRedis = onSeam();

onRedis('a sign-in reads the live sessions of its subject and none that have ended', async ({ store, sent }) => {
  const limit = { most: 5, over: 'end-oldest' } as const;
  for (let i = 0; i < 100; i++) await created(store, 'u1', {}, { limit });
  sent.length = 0;
  await created(store, 'u1', {}, { limit });
  const reads = sent.filter(([name]) => name === 'GET').length;
  assert.equal(reads, 1 + 1 + 5, 'its own id, the subject, five live ones');
});

onRedis('what is kept of a subject’s past is as long as its events are', async ({ store, clock, prefix, send }) => {
  let id = '';
  for (let day = 0; day < 60; day++) {
    while ((await store.sweep(100)).more);
    clock.now += 24 * hour;
    ({ id } = await created(store, 'u1'));
    await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  }
  const kept = (await allEvents(store)).length;
  const pasts = ['h', 'x'].map((past) => send(['ZCARD', `${prefix}:{${id.charAt(0)}}:${past}:u1`]));
  const [began, ended] = await Promise.all(pasts);
  assert.equal(Number(began) + Number(ended), kept);
});

const bytes = (command: readonly string[]): number => command.reduce((sum, part) => sum + part.length, 0);

/** How often the server has run a command, also inside scripts. */
async function calls(send: Seam['send'], name: string): Promise<number> {
  const stats = String(await send(['INFO', 'commandstats']));
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

const some = Array.from({ length: 300 });

onRedis(
  'very many sessions end in commands that each stop the server shortly',
  async ({ store, other, send, sent }) => {
    await Promise.all(some.map(() => created(other, 'u1', { data: JSON.stringify('x'.repeat(1000)) })));
    const before = [await calls(send, 'pexpireat'), await calls(send, 'zremrangebyscore'), await calls(send, 'zadd')];
    sent.length = 0;
    await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
    const scripts = sent.filter(([name]) => name?.startsWith('EVAL'));
    assert.equal(scripts.length, 3 + 1, 'a hundred at a time, and when the last of them ended');
    assert.ok(Math.max(...scripts.map(bytes)) < 100 * 2000, 'without their data');
    const after = [await calls(send, 'pexpireat'), await calls(send, 'zremrangebyscore'), await calls(send, 'zadd')];
    const [expiries = 0, trims = 0, adds = 0] = after.map((count, i) => count - (before[i] ?? 0));
    assert.ok(expiries <= 5 && trims <= 8, 'once a list, not once a session');
    assert.ok(adds <= 2 * some.length + 10, 'of each its event, and of both lists one command');
  },
);

onRedis('setting permissions sends no data', async ({ store, other, sent }) => {
  const data = JSON.stringify('é'.repeat(16_000));
  await Promise.all(some.map(() => created(other, 'u1', { data, permissions: ['a'] })));
  sent.length = 0;
  await store.setPermissions('u1', [], { operation: operation() });
  assert.ok(sent.map(bytes).reduce((sum, one) => sum + one) < some.length * 2500);
  const { live } = await store.list('u1');
  assert.ok(live.every((record) => record.data === data && record.permissions.length === 0));
});

onRedis('a sweep with nothing to do reads one event of each partition', async ({ store, other, sent }) => {
  for (let i = 0; i < 200; i++) await created(other, `u${i}`);
  sent.length = 0;
  const lap = await store.sweep(500);
  assert.deepEqual([lap.expired, lap.more], [[], false]);
  assert.deepEqual([...new Set(sent.map(([name, , from, to]) => `${name} ${from} ${to}`))].sort(), [
    `ZCOUNT -inf ${store.now()}`,
    'ZRANGE 0 0',
  ]);
  assert.equal(sent.length, 2 * 64);
});

onRedis('a sweep counts what is due in each partition once', async ({ store, other, sent, clock }) => {
  for (let i = 0; i < 200; i++) await created(other, `u${i}`);
  clock.now += hour;
  sent.length = 0;
  const lap = await store.sweep(500);
  assert.deepEqual([lap.expired.length, lap.more], [200, false]);
  assert.equal(sent.filter(([name]) => name === 'ZCOUNT').length, 64);
});

onRedis('what names a session that is gone names it no longer', async ({ store, send, prefix, clock }) => {
  const { id } = await created(store, 'u1');
  const tombstone = await created(store, 'u1');
  await store.end(tombstone.id, { reason: 'signed_out', by: 'u1', operation: operation() });
  const partition = `${prefix}:{${id.charAt(0)}}`;
  await send(['DEL', `${partition}:s:${id}`, `${partition}:s:${tombstone.id}`]);
  const names = (list: string): Promise<unknown> => send(['ZRANGE', `${partition}:${list}`, '0', '-1']);
  const { id: other } = await created(store, 'u1');
  assert.deepEqual(await names('l:u1'), [other]);
  clock.now += 40 * hour;
  const { expired, more } = await store.sweep(100);
  assert.deepEqual([expired.map((one) => one.id), more], [[other], false]);
  assert.deepEqual(await names('d'), [other]);
  await store.purge('u1', { operation: operation() });
  assert.deepEqual([await names('d'), await names('t:u1')], [[], []]);
});
