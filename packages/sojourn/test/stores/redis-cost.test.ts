import assert from 'node:assert/strict';
import { created } from '../../src/stores/contract/subject.ts';
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
