import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { checksTake, openSite, password } from '../../test/site.ts';

/* The clock was set back since the account last changed: until it has caught up, every proof looks older than that. */

const hour = 3_600_000;

for (const [path, form] of [
  ['/account/password', { current: password, new: 'another long one' }],
  ['/account/sessions/terminate-others', { password }],
] as const) {
  test(`the clock was set back since the account changed: ${path} names the way that helps`, async (t) => {
    const site = await openSite();
    t.after(() => site.close());
    const { config, users } = site.server.context;
    const visitor = await site.signedIn();
    await site.pass(601);
    const store = sqlite(join(config.data, 'sessions.db'), { now: () => site.clock.now() + hour });
    const before = createSessions({ store, log: () => {}, sweepEvery: 'never' });
    await before.terminateAll(users.byName('ada')?.id ?? '', { except: 'all' });
    await before.close();
    checksTake(site, 20);
    const refused = await visitor.post(path, form);
    assert.equal(refused.status, 409);
    assert.match(refused.text, /<h1>Account /, 'with the form');
    assert.match(refused.text, /role="alert">[^<]* was not carried out\. Sign out and in again, then try once more\./);
    assert.equal((await visitor.post(path, form)).status, 409, 'to send it again is no use');
    assert.equal((await visitor.post('/logout')).status, 303);
    assert.equal((await visitor.post('/login', { username: 'ada', password })).status, 303);
    const { status, headers } = await visitor.post(path, form);
    assert.deepEqual([status, headers.get('location')], [303, '/account']);
  });
}
