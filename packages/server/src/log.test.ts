import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SojournError } from 'sojourn';
import { openSite } from '../test/site.ts';

test('a host that only an origin could vouch for is refused, and the log says which setting to give', async (t) => {
  const site = await openSite();
  t.after(() => site.close());
  const error = t.mock.method(console, 'error', () => {});
  const info = t.mock.method(console, 'info', () => {});
  const program = { accept: 'application/json', 'sec-fetch-mode': 'cors' };
  const answer = await site.visitor().get('/login', { headers: { ...program, host: 'evil.example' } });
  assert.deepEqual([answer.status, answer.json['code']], [500, 'origin_missing']);
  // One text, without a stack.
  assert.deepEqual(error.mock.calls[0]?.arguments, [
    'sojourn origin_missing: Host "evil.example" is not loopback: set --origin https://… or SOJOURN_ORIGIN.',
  ]);
  assert.equal(error.mock.callCount(), 1);
  await site.visitor().get('/login');
  assert.match(String(info.mock.calls[0]?.arguments), /Set --origin or SOJOURN_ORIGIN in production\.$/);
});

test('what is nobody’s configuration comes with its error', async (t) => {
  const site = await openSite();
  t.after(() => site.close());
  const error = t.mock.method(console, 'error', () => {});
  const cause = new SojournError('store_unavailable', 'The disk is full.');
  site.server.context.sessions.report({ level: 'error', code: cause.code, message: cause.message, error: cause });
  assert.deepEqual(error.mock.calls[0]?.arguments, ['sojourn store_unavailable: The disk is full.', cause]);
});
