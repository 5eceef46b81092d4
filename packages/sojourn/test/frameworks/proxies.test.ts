import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visitor } from '../../../../test/visitor.ts';
import { Lab } from '../lab.ts';
import { frameworks, listen } from './apps.ts';
import { everyFramework } from './every-framework.ts';

/** What X-Forwarded-For says, and the address that the device list then shows; `null`: that of the connection. */
const cells: Readonly<Record<number, readonly (readonly [string | null, string | null])[]>> = {
  // Nobody in front is trusted, so whatever is claimed was invented.
  0: [
    [null, null],
    ['192.0.2.77', null],
  ],
  1: [
    [null, null],
    ['', null],
    ['192.0.2.77', '192.0.2.0/24'],
    ['  192.0.2.77  ', '192.0.2.0/24'],
    // What stands to the left came from the client.
    ['203.0.113.9, 192.0.2.77', '192.0.2.0/24'],
    ['203.0.113.9, 198.51.100.1,192.0.2.77', '192.0.2.0/24'],
    ['127.0.0.1, 2001:db8:1:2::77', '2001:db8:1::/48'],
    ['192.0.2.77, ', null],
    ['192.0.2.77:4711', '192.0.2.0/24'],
    ['[2001:db8:1:2::77]:4711', '2001:db8:1::/48'],
    ['[2001:db8:1:2::77]', '2001:db8:1::/48'],
    ['2001:db8::4711', '2001:db8:0::/48'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    // No address at all.
    ['unknown', null],
    ['_hidden', null],
    ['dead', null],
    [`${'1'.repeat(500)}.2`, null],
  ],
  2: [
    [null, null],
    ['192.0.2.77, 198.51.100.1', '192.0.2.0/24'],
    ['203.0.113.9, 192.0.2.77:4711, 198.51.100.1:443', '192.0.2.0/24'],
    // One entry less than proxies: it did not come through all of them.
    ['192.0.2.77', null],
    [', 198.51.100.1', null],
  ],
};

for (const [name, build] of Object.entries(frameworks)) {
  test(`the device list shows where a sign-in came from behind proxies, shortened [${name}]`, async () => {
    // A Fetch handler is not told who is connected.
    const peer = name === 'fetch' ? '' : '127.0.0.0/24';
    for (const [proxies, rows] of Object.entries(cells)) {
      const lab = new Lab({ origin: 'https://app.test', trustProxy: Number(proxies) });
      const app = await listen(build, lab.sessions);
      for (const [index, [forwarded, wanted]] of rows.entries()) {
        const headers = forwarded === null ? {} : { 'x-forwarded-for': forwarded };
        const answer = await new Visitor(app.origin).post('/login', { user: `u${index}` }, { headers });
        assert.equal(answer.status, 303, answer.text);
        const { live } = await lab.sessions.list(`u${index}`);
        assert.deepEqual(
          live.map(({ device }) => device?.address),
          [wanted ?? peer],
          `${proxies} proxies, ${forwarded}`,
        );
      }
      await app.close();
      await lab.sessions.close();
    }
  });
}

everyFramework(
  'G14: an invented address before that of the proxy gets nobody more records',
  async ({ app }) => {
    const statuses: number[] = [];
    for (const invented of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      const headers = { 'x-forwarded-for': `${invented}, 192.0.2.77` };
      statuses.push((await new Visitor(app.origin).post('/write', {}, { headers })).status);
    }
    assert.deepEqual(statuses, [200, 200, 429]);
  },
  { origin: 'https://app.test', trustProxy: 1, policy: { anonymousPerMinute: 2 } },
);
