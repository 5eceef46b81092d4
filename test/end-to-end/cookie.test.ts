import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Site } from '../../packages/server/test/site.ts';
import { skip, visiting } from './browser.ts';
import { openBehindHttps, sibling } from './https.ts';
import { askSession, cookieOf, signIn, signOut } from './person.ts';

const day = 86_400;

/** The session's cookie as Chromium's own network stack holds it. */
async function held(page: Page, site: Site) {
  const devtools = await page.context().newCDPSession(page);
  const { cookies } = await devtools.send('Network.getCookies', { urls: [`${site.origin}/`] });
  await devtools.detach();
  const own = cookies.filter(({ name }) => name.includes('sojourn') && !name.endsWith('-copy'));
  assert.equal(own.length, 1);
  const [cookie] = own;
  assert.ok(cookie);
  return cookie;
}

test(
  'G16: on loopback: HttpOnly, Lax, for the whole host and no other, until the browser closes; named by its port',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site);
    const { hostname, port } = new URL(site.origin);
    const { name, httpOnly, secure, sameSite, path, domain, session } = await held(page, site);
    assert.deepEqual(
      { name, httpOnly, secure, sameSite, path, domain, session },
      {
        name: `sojourn-${port}`,
        httpOnly: true,
        secure: false,
        sameSite: 'Lax',
        path: '/',
        domain: hostname,
        session: true,
      },
    );
  }),
);

test(
  'G16: behind https: Secure and with the prefix, so that it is this host’s alone',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site);
    const { name, httpOnly, secure, sameSite, path, domain, session } = await held(page, site);
    assert.deepEqual(
      { name, httpOnly, secure, sameSite, path, domain, session },
      {
        name: '__Host-sojourn',
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
        path: '/',
        // A leading dot would say that hosts below get it too.
        domain: 'sessions.test',
        session: true,
      },
    );
    assert.deepEqual(await page.context().cookies(sibling(site)), []);
    assert.deepEqual(await page.context().cookies(site.origin.replace('https', 'http')), []);
  }, openBehindHttps),
);

test(
  'a remembered session’s cookie outlives the browser, as long as its absolute limit',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site, { remember: true });
    const { expires, session } = await held(page, site);
    assert.equal(session, false);
    assert.ok(Math.abs(expires - Date.now() / 1000 - 30 * day) < 60, `${expires} is not 30 days from now`);
  }),
);

test(
  'G15: no script of any page sees the cookie',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site, { remember: true });
    for (const path of ['/account', '/', '/login', '/session']) {
      await page.goto(site.origin + path);
      assert.equal(await page.evaluate(() => document.cookie), '', path);
      assert.equal(await page.evaluate(async () => (await cookieStore.getAll()).length), 0, path);
    }
  }),
);

test(
  'G2: neither a script of the site nor a page of a host beside it can plant a cookie in its place',
  { skip },
  visiting(async ({ site, page, context }) => {
    await signIn(page, site);
    const own = await cookieOf(context, site);
    const planted = `${own.name}=${'A'.repeat(23)}.${'B'.repeat(43)}; Path=/; Secure`;
    const plant = (cookie: string): Promise<void> =>
      page.evaluate((text) => {
        // biome-ignore lint/suspicious/noDocumentCookie: it is what an attacker's script has.
        document.cookie = text;
      }, cookie);
    await plant(planted);
    await page.goto(`${sibling(site)}/`);
    await plant(planted);
    await plant(`${planted}; Domain=sessions.test`);
    await page.goto(`${site.origin}/account`);
    assert.equal((await cookieOf(context, site)).value, own.value);
    assert.equal((await askSession(page)).status, 200);
  }, openBehindHttps),
);

test(
  'on loopback, where no prefix protects it, a planted cookie beside the real one is outdone and removed (S-29)',
  { skip },
  visiting(async ({ site, page, context }) => {
    await signIn(page, site);
    const own = await cookieOf(context, site);
    await context.addCookies([
      { name: own.name, value: `${'A'.repeat(23)}.${'B'.repeat(43)}`, domain: own.domain, path: '/account' },
    ]);
    assert.equal((await context.cookies(`${site.origin}/account`)).length, 2);
    await page.goto(`${site.origin}/account`);
    assert.equal(page.url(), `${site.origin}/account`);
    const left = await context.cookies(`${site.origin}/account`);
    assert.deepEqual(
      left.map(({ value }) => value),
      [own.value],
    );
  }),
);

test(
  'sign-out takes the cookie out of the browser',
  { skip },
  visiting(async ({ site, page, context }) => {
    await signIn(page, site, { remember: true });
    const { name } = await cookieOf(context, site);
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await signOut(page);
    const lines = (await (await answered).headersArray()).filter((header) => /^set-cookie$/i.test(header.name));
    assert.match(lines.map((line) => line.value).join(), new RegExp(`^${name}=; .*Max-Age=0`));
    assert.equal(
      (await context.cookies(site.origin)).some((cookie) => cookie.name === name),
      false,
    );
  }),
);
