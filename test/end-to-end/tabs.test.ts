import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Site } from '../../packages/server/test/site.ts';
import { skip, visiting } from './browser.ts';
import { askSession, cookieOf, fillInSignIn, goTo, idIn, leaving, signIn, signOut } from './person.ts';

test(
  'signed out in one tab: the other is sent to sign in at its next step, a link as well as a form',
  { skip },
  visiting(async ({ site, context, page }) => {
    await signIn(page, site);
    const second = await context.newPage();
    const third = await context.newPage();
    for (const tab of [second, third]) await tab.goto(`${site.origin}/account`);
    await signOut(page);

    assert.equal((await goTo(second, site, '/account')).status(), 303);
    assert.equal(second.url(), `${site.origin}/login?return=%2Faccount`);

    await third.getByLabel('Current password').fill('whatever it is');
    await third.getByLabel('New password').fill('another long one');
    await leaving(third, () => third.getByRole('button', { name: 'Change password' }).click());
    assert.equal(third.url(), `${site.origin}/login?return=%2Faccount&unsent=1`);
    assert.match((await third.textContent('main')) ?? '', /What you sent was not carried out\./);
  }),
);

test(
  'G12: signed out in one tab, the life page in another learns it by itself and says why',
  { skip },
  visiting(async ({ site, context, page }) => {
    await signIn(page, site, { back: '/' });
    await page.waitForSelector('.map.across [data-marker="signed-in"]');
    const other = await context.newPage();
    await other.goto(`${site.origin}/account`);
    await signOut(other);
    await page.waitForSelector('.map.across [data-marker="terminated"]');
    assert.match((await page.textContent('.state')) ?? '', /It ended because you signed out\./);
    assert.doesNotMatch((await page.textContent('.bar')) ?? '', /ada/);
  }),
);

test(
  'G2: sign-in in two tabs: the second takes over, and both tabs go on with its session',
  { skip },
  visiting(async ({ site, context, page }) => {
    const second = await context.newPage();
    for (const tab of [page, second]) await tab.goto(`${site.origin}/login?return=%2Faccount`);
    await fillInSignIn(page);
    const first = await cookieOf(context, site);
    await fillInSignIn(second);
    const now = await cookieOf(context, site);
    assert.notEqual(idIn(now), idIn(first));

    for (const tab of [page, second]) {
      await tab.reload();
      assert.equal(tab.url(), `${site.origin}/account`);
      assert.equal((await askSession(tab)).body['id'], idIn(now));
    }
    assert.equal(await page.locator('#devices + ul > li').count(), 1, 'one device, not two');
    const { sessions } = site.server.context;
    assert.equal((await sessions.find(idIn(first)))?.ending?.reason, 'replaced');
  }),
);

test(
  'G13: many requests of several tabs at once, over a rotation, and nobody is signed out',
  { skip },
  visiting(async ({ site, context, page }) => {
    await signIn(page, site);
    const tabs = [page, await context.newPage(), await context.newPage()];
    for (const tab of tabs) await tab.goto(`${site.origin}/account`);
    const before = await cookieOf(context, site);
    for (let quarters = 1; quarters <= 5; quarters++) {
      await site.pass(15 * 60);
      const all = await Promise.all(tabs.flatMap((tab) => [askSession(tab), askSession(tab), askSession(tab)]));
      assert.deepEqual([...new Set(all.map(({ status }) => status))], [200], `after ${quarters} quarters of an hour`);
    }
    const after = await cookieOf(context, site);
    assert.equal(idIn(after), idIn(before));
    assert.notEqual(after.value, before.value, 'the secret has changed on the way');
  }),
);

test(
  'G13: a request that the network held back over a rotation is still served',
  { skip },
  visiting(async ({ site, context, page }) => {
    await signIn(page, site);
    const before = await cookieOf(context, site);
    await site.pass(29 * 60);
    await askSession(page);
    await site.pass(29 * 60);
    await askSession(page);
    await site.pass(2 * 60 + 1);
    const late = holdBack(site, '/session?late');
    const answered = page.evaluate(async () => (await fetch('/session?late')).status);
    const letGo = await late;
    for (let requests = 0; requests < 2; requests++) assert.equal((await askSession(page)).status, 200);
    assert.notEqual((await cookieOf(context, site)).value, before.value, 'a new secret was handed out and shown');
    await site.pass(5);
    letGo();
    assert.equal(await answered, 200);
    assert.equal((await askSession(page)).status, 200);
  }),
);

/** Keeps one request from the server; answers, once it has come, how to let it go. */
function holdBack(site: Site, url: string): Promise<() => void> {
  const { server } = site.server.app;
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  return new Promise((resolve) => {
    server.on('request', (...given) => {
      const deliver = (): void => {
        for (const listener of listeners) Reflect.apply(listener, server, given);
      };
      if (given[0].url === url) resolve(deliver);
      else deliver();
    });
  });
}
