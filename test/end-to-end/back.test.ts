import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { skip, visiting } from './browser.ts';
import { leaving, signIn, signOut } from './person.ts';

/*
 * What Back shows after sign-out. Chromium keeps a left page whole in its memory, no-store or not, and
 * throws it away when the site's cookies change: the tests look at what a person sees then, and one of
 * them makes sure that this memory is at work at all.
 */

/** Notes in each page whether it came out of memory. */
async function watchReturns(page: Page): Promise<void> {
  await page.addInitScript(() => {
    addEventListener('pageshow', ({ persisted }) => {
      document.documentElement.dataset['shown'] = persisted ? 'from memory' : 'anew';
    });
  });
}

/** Presses Back; answers how the page came. */
async function goBack(page: Page, steps = 1): Promise<string | undefined> {
  const arrived = page.waitForEvent('framenavigated');
  await page.evaluate((by) => setTimeout(() => history.go(-by)), steps);
  await arrived;
  // A page out of memory fires no `load`.
  await page.waitForFunction(() => document.readyState === 'complete' && document.documentElement.dataset['shown']);
  return page.evaluate(() => document.documentElement.dataset['shown']);
}

async function toTheLifePage(page: Page): Promise<void> {
  await leaving(page, () => page.locator('.brand').click());
}

async function assertNothingPrivate(page: Page): Promise<void> {
  const text = (await page.textContent('body')) ?? '';
  assert.doesNotMatch(text, /\bada\b|Signed in now|orders:read|127\.0\.0\.0/);
}

test(
  'Back while signed in shows the account, out of the browser’s memory',
  { skip },
  visiting(async ({ site, page }) => {
    await watchReturns(page);
    await signIn(page, site);
    await toTheLifePage(page);
    assert.equal(await goBack(page), 'from memory', 'the memory that the other tests are about is at work');
    assert.match((await page.textContent('main')) ?? '', /Signed in now/);
  }),
);

test(
  'Back after sign-out shows the sign-in page in place of the account',
  { skip },
  visiting(async ({ site, page }) => {
    await watchReturns(page);
    await signIn(page, site);
    await signOut(page);
    assert.equal(await goBack(page), 'anew');
    assert.equal(page.url(), `${site.origin}/login?return=%2Faccount`);
    await assertNothingPrivate(page);
  }),
);

test(
  'Back over several pages after sign-out shows nothing private on any',
  { skip },
  visiting(async ({ site, page }) => {
    await watchReturns(page);
    await signIn(page, site);
    await toTheLifePage(page);
    assert.match((await page.textContent('.bar')) ?? '', /ada/);
    await page.goto(`${site.origin}/account?again`);
    await signOut(page);
    for (let step = 1; step <= 3; step++) {
      assert.equal(await goBack(page), 'anew');
      await assertNothingPrivate(page);
    }
  }),
);

test(
  'Back after another tab has signed out shows nothing private',
  { skip },
  visiting(async ({ site, context, page }) => {
    await watchReturns(page);
    await signIn(page, site);
    await page.goto(`${site.origin}/assets/icon.svg`);
    const other = await context.newPage();
    await other.goto(`${site.origin}/account`);
    await signOut(other);
    await goBack(page);
    await assertNothingPrivate(page);
  }),
);

test(
  'no private page is in the browser’s cache',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site);
    await toTheLifePage(page);
    const cached = (path: string): Promise<boolean> =>
      page.evaluate(async (url) => {
        const answer = await fetch(url, { cache: 'only-if-cached', mode: 'same-origin' }).catch(() => null);
        return answer?.ok ?? false;
      }, path);
    assert.equal(await cached('/assets/pages.css'), true, 'a stylesheet is, so the question is well put');
    for (const path of ['/', '/account', '/session']) assert.equal(await cached(path), false, path);
  }),
);
