import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onceChecked, openSite, password } from '../../test/site.ts';

test('a sign-in that is checked three times is one attempt: it forgives its address no failure of others', async (t) => {
  const site = await openSite('--origin', 'https://sessions.test', '--trust-proxy', '1');
  t.after(() => site.close());
  const { sessions, throttle, users } = site.server.context;
  const [address, id] = ['192.0.2.8', users.byName('ben')?.id ?? ''];
  for (let i = 0; i < 99; i++) assert.equal(throttle.attempt(`name-${i}`, address), 0);
  let changes = 0;
  const change = async (): Promise<void> => {
    site.clock.advance('1s');
    await sessions.terminateAll(id);
    site.clock.advance('1s');
    changes += 1;
    if (changes < 2) onceChecked(site, change);
  };
  onceChecked(site, change);
  const headers = { 'x-forwarded-for': address };
  assert.equal((await site.visitor().post('/login', { username: 'ben', password }, { headers })).status, 303);
  assert.equal(changes, 2);
  assert.equal(throttle.attempt('the hundredth', address), 0);
  assert.ok(throttle.attempt('one more', address) > 0);
});
