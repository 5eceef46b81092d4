import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSessions } from 'sojourn';
import { memory } from 'sojourn/memory';
import { testSessions } from 'sojourn/testing';
import request from 'supertest';
import { open, shop } from './cache.ts';

test('both routes know the session, and refuse it once it has ended', async () => {
  const t = testSessions<object, 'keys:read'>();
  const app = shop(t.sessions);
  const ada = await t.as('ada', { permissions: ['keys:read'] });
  const statuses = async (): Promise<number[]> => [
    (await request(app).get('/prices').set(ada.headers)).status,
    (await request(app).get('/keys').set(ada.headers)).status,
  ];
  assert.deepEqual(await statuses(), [200, 200]);
  await t.sessions.terminateAll('ada');
  assert.deepEqual(await statuses(), [401, 401]);
});

test('what may be remembered, and for how long, is checked at the start', async () => {
  await open(memory()).close();
  for (const cache of [{ bound: '49ms' }, { bound: '2m' }, { bytes: -1 }, { bytes: 0.5 }] as const) {
    assert.throws(() => createSessions({ store: memory(), cache }), { code: 'option_invalid' });
  }
});
