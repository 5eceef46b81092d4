import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSite } from '../../test/site.ts';

const behindOne = ['--origin', 'https://sessions.test', '--trust-proxy', '1'];

/** What X-Forwarded-For says at the nth attempt, and whether the throttle takes them for one address. */
const cases: readonly (readonly [string, readonly string[], (attempt: number) => string, boolean])[] = [
  ['a gateway that adds the port', behindOne, (attempt) => `192.0.2.8:${4000 + attempt}`, true],
  ['the same with IPv6', behindOne, (attempt) => `[2001:db8::1]:${4000 + attempt}`, true],
  ['neighbours in a /64', behindOne, (attempt) => `2001:db8::${attempt}`, true],
  ['IPv4 in two forms', behindOne, (attempt) => `${attempt % 2 ? '::ffff:' : ''}192.0.2.8`, true],
  ['an address invented before that of the proxy', behindOne, (attempt) => `203.0.113.${attempt}, 192.0.2.8`, true],
  ['an address invented where no proxy is trusted', [], (attempt) => `203.0.113.${attempt}`, true],
  ['people at different addresses', behindOne, (attempt) => `203.0.113.${attempt}`, false],
];

for (const [what, args, forwarded, one] of cases) {
  test(`guesses are ${one ? '' : 'not '}slowed down: ${what}`, async (t) => {
    const site = await openSite(...args);
    t.after(() => site.close());
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      const headers = { 'x-forwarded-for': forwarded(attempt) };
      const wrong = { username: 'ada', password: 'not the password' };
      statuses.push((await site.visitor().post('/login', wrong, { headers })).status);
    }
    assert.deepEqual(statuses.slice(5), one ? [429, 429] : [401, 401]);
  });
}
