import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launch, skip } from '../../../../test/chromium.ts';
import { openShop, type Shop } from './shop.ts';

/* The page's side of a session in Chromium: examples/browser/watch.ts as its reader would load it. */

let chromium: Browser;
before(async () => {
  if (!skip) chromium = await launch();
});
after(() => chromium?.close());

/** Sent to sign in from the one page there is, and told why. */
function sentAwayFor(code: string): (url: URL) => boolean {
  return ({ pathname, search }) => pathname + search === `/login?return=%2F&why=${code}`;
}

function inChromium(title: string, run: (shop: Shop) => Promise<void>): void {
  test(title, { skip }, async () => {
    const shop = await openShop(await chromium.newContext());
    try {
      await run(shop);
    } finally {
      await shop.close();
    }
  });
}

inChromium('a page warns before its session expires, and takes that back when the session is used', async (shop) => {
  const page = await shop.signedIn();
  assert.equal(await page.locator('#warning').isVisible(), false);
  await shop.pass(29 * 60);
  await page.locator('#warning').waitFor();
  // Used in another tab.
  await shop.open();
  await page.locator('#warning').waitFor({ state: 'hidden' });
});

inChromium('to ask is not to use: at the limit the page learns that its session is over', async (shop) => {
  const page = await shop.signedIn();
  await shop.pass(29 * 60);
  await page.locator('#warning').waitFor();
  await shop.pass(60);
  await page.waitForURL(sentAwayFor('session_expired_idle'));
});

inChromium('a server that cannot say is asked again; nobody is sent away for it (G8)', async (shop) => {
  const page = await shop.signedIn();
  shop.broken = true;
  const asked = page.waitForResponse((answer) => answer.status() === 503);
  await shop.pass(30 * 60 + 1);
  await asked;
  assert.equal(new URL(page.url()).pathname, '/');
  shop.broken = false;
  await shop.pass(5);
  await page.waitForURL(sentAwayFor('session_expired_idle'));
});

inChromium('sign-out in one tab ends the others (G12)', async (shop) => {
  const first = await shop.signedIn();
  const second = await shop.open();
  await second.locator('#sign-out').click();
  for (const page of [first, second]) await page.waitForURL(sentAwayFor('session_terminated'));
});

inChromium('a session that is ended elsewhere ends its page at once (G12)', async (shop) => {
  const page = await shop.signedIn();
  await shop.connected();
  await shop.lab.sessions.terminateAll('ada', { reason: 'password_changed' });
  await page.waitForURL(sentAwayFor('session_terminated'));
});

inChromium('who signs in as somebody else does so in all tabs', async (shop) => {
  const first = await shop.signedIn('ada');
  await shop.signedIn('bob');
  await first.waitForURL(sentAwayFor('token_replaced'));
});
