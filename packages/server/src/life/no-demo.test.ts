import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSite } from '../../test/site.ts';
import { readConfig } from '../config.ts';
import { routes } from '../routes.ts';

test('--no-demo: the buttons’ routes answer 404, and the page has none of them', async () => {
  const site = await openSite('--no-demo');
  try {
    const visitor = await site.signedIn();
    const demo = routes.filter((route) => route.demo);
    assert.ok(demo.length >= 13);
    assert.deepEqual(
      demo.filter(({ path }) => !path.startsWith('/life/')),
      [],
    );
    for (const { method, path } of demo) {
      const answer = method === 'GET' ? await visitor.get(path) : await visitor.post(path);
      assert.equal(answer.status, 404, path);
    }
    const { status, text } = await visitor.get('/');
    assert.equal(status, 200);
    assert.doesNotMatch(text, /\/life\/|Try to break it|data-live/);
    assert.match(text, /Session termination/);
    assert.match(text, /action="\/logout"/);
    assert.equal(site.server.context.sessions.policy.kinds['brief'], undefined);
  } finally {
    await site.close();
  }
});

test('the buttons are there by default only on a loopback origin', () => {
  assert.equal(readConfig([], {}).demo, true);
  assert.equal(readConfig(['--origin', 'http://localhost:7420'], {}).demo, true);
  for (const host of ['127.0.0.1', '127.8.9.10', '[::1]', 'app.localhost']) {
    assert.equal(readConfig(['--origin', `https://${host}`], {}).demo, true, host);
  }
  for (const host of ['sessions.example', '127.example.com', '127.0.0.1.example.com', 'localhost.example.com']) {
    assert.equal(readConfig(['--origin', `https://${host}`], {}).demo, false, host);
  }
  assert.equal(readConfig(['--origin', 'https://sessions.example', '--demo'], {}).demo, true);
  assert.equal(readConfig(['--no-demo'], {}).demo, false);
  assert.equal(readConfig([], { SOJOURN_DEMO: 'false' }).demo, false);
});
