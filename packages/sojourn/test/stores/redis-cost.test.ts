import assert from 'node:assert/strict';
import { allEvents, created, hour, operation } from '../../src/stores/contract/subject.ts';
import { onSeam } from './redis-seam.ts';

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
