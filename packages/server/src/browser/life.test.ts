import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launch, skip } from '../../../../test/chromium.ts';
import { openSite, password, type Site } from '../../test/site.ts';

/*
 * The life page in Chromium, with its module: what the other tests see without script goes on here
 * without leaving the page.
 */

let site: Site;
let browser: Browser;
let context: BrowserContext;
const complaints: string[] = [];

before(async () => {
  if (skip) return;
  site = await openSite();
  browser = await launch();
  context = await browser.newContext({ reducedMotion: 'reduce' });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
});

after(async () => {
  if (skip) return;
  await browser.close();
  await site.close();
});

test('a whole life on one page: nothing is loaded anew, and nothing offends the content policy', { skip }, async () => {
  const page = await openLife();
  await page.evaluate(() => Object.assign(globalThis, { stayed: true }));
  await page.fill('#username', 'ada');
  await page.fill('#password', password);
  await page.click('#do-sign-in');
  await page.waitForSelector('.map.across [data-marker="signed-in"]');
  assert.equal(await page.getAttribute('.map.across [data-way="anonymous signed-in"]', 'data-taken'), 'yes');
  assert.match((await page.textContent('.bar')) ?? '', /ada/);
  assert.equal(await page.evaluate(() => document.activeElement?.className), 'state', 'focus is not lost');

  await page.click('#do--life-alter');
  await page.waitForSelector('#result .verdict');
  assert.match((await page.textContent('[role=status]')) ?? '', /Refused and counted/);
  await page.click('#do--life-sign-out');
  await page.waitForSelector('.map.across [data-marker="terminated"]');
  await page.click('#do--life-replay');
  await page.waitForSelector('#result >> text=session_terminated');
  assert.equal(await page.evaluate(() => Object.hasOwn(globalThis, 'stayed')), true);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('what another tab does is seen as it happens: a rotation, and the end', { skip }, async () => {
  const page = await signedInPage();
  const other = await openLife();
  await other.click('#do--life-rotate');
  await page.waitForSelector('.events >> text=A new secret took over.');
  await other.click('#do--life-sign-out');
  await page.waitForSelector('.said >> text=Ended: you signed out.');
  await page.waitForSelector('.map.across[data-position="terminated"]');
  assert.match(
    (await page.textContent('.state')) ?? '',
    /Your session was terminated\. It ended because you signed out\./,
  );
  await Promise.all([page.close(), other.close()]);
});

test('the clocks run, and when one has run out the page moves on by itself', { skip }, async () => {
  const page = await signedInPage();
  await page.click('#do--life-brief');
  await page.waitForSelector('[data-left="idle"]:text-matches("^0:1\\\\d$")');
  await site.pass(20);
  await page.waitForSelector('.map.across [data-marker="expired"]');
  assert.match((await page.textContent('.state')) ?? '', /Your session has expired\./);
  assert.equal(await page.textContent('[data-left="idle"]'), '–');
  await page.close();
});

test('a session is watched to its end: a countdown by the button, then the picture and why, on any screen', {
  skip,
}, async () => {
  for (const [width, height] of [
    [1280, 720],
    [360, 740],
  ] as const) {
    const page = await signedInPage();
    await page.setViewportSize({ width, height });
    await page.locator('#do--life-brief').evaluate((button) => button.scrollIntoView({ block: 'end' }));
    await page.click('#do--life-brief');
    const left = page.locator('.countdown [data-left="idle"]');
    await left.waitFor();
    assert.match((await left.textContent()) ?? '', /^0:(20|1\d)$/);
    for (const selector of ['.countdown', '#do--life-brief']) await inSight(page, selector);
    await page.waitForFunction(() => !/:20$/.test(document.querySelector('.countdown strong')?.textContent ?? ':20'));
    await site.pass(20);
    await page.waitForSelector('[data-marker="expired"]', { state: 'attached' });
    await page.waitForFunction(() => {
      const box = (selector: string): DOMRect | undefined => document.querySelector(selector)?.getBoundingClientRect();
      const [state, picture] = [box('.state'), box('.picture')];
      return state && picture && state.top >= 0 && picture.top >= 0 && picture.top < innerHeight / 2;
    });
    assert.match((await page.textContent('.state')) ?? '', /has expired\. It ended because it was not used/);
    assert.equal(await page.locator('.countdown').count(), 0);
    await page.close();
  }
});

test('the cookies as the browser holds them: no script sees the session’s, and only the replay gets the copy', {
  skip,
}, async () => {
  const page = await signedInPage();
  await page.click('#do--life-rotate');
  await page.waitForSelector('.events >> text=A new secret took over.');
  const cookies = await context.cookies(`${site.origin}/life/replay`);
  const [copy, own] = [
    cookies.find(({ name }) => name.endsWith('-copy')),
    cookies.find(({ name }) => /\d$/.test(name)),
  ];
  assert.deepEqual([own?.httpOnly, own?.sameSite, own?.path, own?.expires], [true, 'Lax', '/', -1]);
  assert.deepEqual([copy?.httpOnly, copy?.sameSite, copy?.path], [true, 'Strict', '/life/replay']);
  assert.equal(
    (await context.cookies(`${site.origin}/life`)).some(({ name }) => name.endsWith('-copy')),
    false,
  );
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.match((await page.textContent('[data-cookie-name]')) ?? '', /saw nothing/);
  await page.close();
});

test('the picture for who does not see it or has no mouse: named, described, and a way to each stage', {
  skip,
}, async () => {
  const page = await signedInPage();
  const map = page.getByRole('group', { name: 'The four stages of a session’s life' });
  assert.equal(await map.count(), 1, 'of the two drawings, one is there');
  assert.match(
    (await map.locator('desc').textContent()) ?? '',
    /Your session is signed in\. The way here: (anonymous, then )?signed in\./,
  );
  await page.getByRole('link', { name: 'Session tracking, where your session is now' }).focus();
  for (const stage of ['expiry', 'termination']) {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('href')), `#${stage}`);
  }
  await page.keyboard.press('Enter');
  assert.match(page.url(), /#termination$/);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'do--life-sign-out', 'and on from there');
  assert.equal(await page.getByRole('timer', { name: 'Idle clock' }).count(), 1);
  assert.equal(await page.getByRole('log', { name: 'Events of this session' }).count(), 1);
  await page.close();
});

test('the marker travels, the rings breathe; with reduced motion nothing moves', { skip }, async () => {
  const running = (page: Page): Promise<number> => page.evaluate(() => document.getAnimations().length);
  for (const reducedMotion of ['reduce', 'no-preference'] as const) {
    const page = await signedInPage();
    await page.emulateMedia({ reducedMotion });
    await page.click('#do--life-sign-out');
    await page.waitForSelector('.map.across [data-marker="terminated"]');
    const moving = await running(page);
    assert.equal(moving > 0, reducedMotion === 'no-preference', reducedMotion);
    await page.close();
  }
});

test('where the page is longer than the screen, the picture comes into sight when the session moves', {
  skip,
}, async () => {
  const page = await signedInPage();
  for (const [width, height] of [
    [360, 740],
    [1280, 720],
    [1280, 950],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.click('#do--life-sign-out');
    await page.waitForSelector('[data-marker="terminated"]', { state: 'attached' });
    await page.waitForFunction(() => {
      const { top = -1, bottom = 0 } = document.querySelector('.picture')?.getBoundingClientRect() ?? {};
      return top >= 0 && (bottom <= innerHeight || top < innerHeight / 3);
    });
    const [needed, there] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    assert.equal(needed, there, `nothing sticks out at ${width}`);
    await page.fill('#username', 'ada');
    await page.fill('#password', password);
    site.clock.advance('1s');
    await page.click('#do-sign-in');
    await page.waitForSelector('[data-marker="signed-in"]', { state: 'attached' });
  }
  await page.close();
});

test('S-32: a browser that was given too many cookies gets a page, and can go on from it', { skip }, async () => {
  const page = await context.newPage();
  const many = Array.from({ length: 24 }, (_, i) => ({ name: `bomb-${i}`, value: 'x'.repeat(1000), url: site.origin }));
  await context.addCookies(many);
  assert.equal((await page.goto(`${site.origin}/`))?.status(), 431);
  assert.match((await page.textContent('main')) ?? '', /They have been removed, so you can go on\./);
  await page.click('text=To the start page');
  await page.waitForSelector('.map.across');
  assert.equal((await context.cookies()).filter(({ name }) => name.startsWith('bomb-')).length, 0);
  complaints.length = 0;
  await page.close();
});

/** Waits until all of it is on the screen. */
async function inSight(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((what) => {
    const { top = -1, bottom = 0 } = document.querySelector(what)?.getBoundingClientRect() ?? {};
    return top >= 0 && bottom <= innerHeight;
  }, selector);
}

async function openLife(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.origin}/`);
  return page;
}

async function signedInPage(): Promise<Page> {
  site.clock.advance('1s');
  const page = await openLife();
  if (await page.locator('#do-sign-in').isDisabled()) return page;
  await page.fill('#username', 'ada');
  await page.fill('#password', password);
  await page.click('#do-sign-in');
  await page.waitForSelector('.map.across [data-marker="signed-in"]');
  return page;
}
