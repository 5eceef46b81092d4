import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { onceChecked, openSiteOn, password, type Site } from '../../test/site.ts';

/* The engine's clock and that of the machine this server runs on do not agree. */

const minute = 60_000;
const changed = 'another long one';

async function openSkewed(t: TestContext, engineAhead: number): Promise<Site> {
  const site = await openSiteOn({ engineAhead });
  t.after(() => site.close());
  return site;
}

for (const engineAhead of [-minute, minute]) {
  const engine = `the engine is a minute ${engineAhead < 0 ? 'behind' : 'ahead'}`;

  test(`a sign-in with the old password that was under way does not survive its change: ${engine}`, async (t) => {
    const site = await openSkewed(t, engineAhead);
    const [owner, thief] = [await site.signedIn(), site.visitor()];
    onceChecked(site, async () => {
      site.clock.advance('1s');
      const form = { current: password, new: changed, others: 'on' };
      assert.equal((await owner.post('/account/password', form)).status, 303);
    });
    assert.notEqual((await thief.post('/login', { username: 'ada', password })).status, 303);
    assert.equal((await thief.json('/session')).status, 401);
  });

  test(`the new password is good as soon as it has been set: ${engine}`, async (t) => {
    const site = await openSkewed(t, engineAhead);
    const owner = await site.signedIn();
    const form = { current: password, new: changed, others: 'on' };
    assert.equal((await owner.post('/account/password', form)).status, 303);
    site.clock.advance('1s');
    assert.equal((await site.visitor().post('/login', { username: 'ada', password: changed })).status, 303);
  });
}

for (const engineAhead of [-11 * minute, 11 * minute]) {
  test(`a proof is as old as the engine says: it is 11 minutes ${engineAhead < 0 ? 'behind' : 'ahead'}`, async (t) => {
    const site = await openSkewed(t, engineAhead);
    const visitor = await site.signedIn();
    const end = async (): Promise<number> => (await visitor.post('/account/sessions/terminate-others')).status;
    assert.equal(await end(), 303);
    await site.pass(601);
    assert.equal(await end(), 403);
  });
}
