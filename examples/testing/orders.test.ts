import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSessions } from 'sojourn/testing';
import request from 'supertest';
import { makeApp } from './app.ts';

test('orders are for who may read them, until the session expires', async () => {
  const t = testSessions<object, 'orders:read'>();
  const app = makeApp(t.sessions);
  const ada = await t.as('ada', { permissions: ['orders:read'] });

  const first = await request(app).get('/orders').set(ada.headers);
  assert.deepEqual(first.body, { of: 'ada' });

  t.clock.advance('31m');
  const late = await request(app).get('/orders').set(ada.headers);
  assert.equal(late.status, 401);
  assert.equal(late.body.code, 'session_expired_idle');
});
