import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { password } from '../../packages/server/test/site.ts';
import { skip, visiting } from './browser.ts';
import { signIn } from './person.ts';

const mostSteps = 60;

/** Presses Tab until the element has the focus; every stop on the way must be seen to have it. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let steps = 0; steps < mostSteps; steps++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate((wanted) => {
      const { activeElement: stop } = document;
      if (!(stop instanceof HTMLElement || stop instanceof SVGElement) || stop === document.body) return null;
      const look = (): string =>
        [stop, ...stop.querySelectorAll('*')]
          .map((element) => {
            const { outlineStyle, outlineWidth, stroke, strokeWidth } = getComputedStyle(element);
            return `${outlineStyle} ${outlineWidth} ${stroke} ${strokeWidth}`;
          })
          .join();
      const focused = look();
      stop.blur();
      const marked = look() !== focused;
      stop.focus({ preventScroll: true });
      return { there: stop.matches(wanted), name: stop.outerHTML.slice(0, 80), marked };
    }, selector);
    if (stop === null) continue;
    assert.ok(stop.marked, `the focus does not show on ${stop.name}`);
    if (stop.there) return;
  }
  assert.fail(`no ${selector} within ${mostSteps} stops`);
}

test(
  'the life page by keyboard alone: sign in, rotate, sign out, replay',
  { skip },
  visiting(async ({ site, page }) => {
    // Without transitions the focus shows at once.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${site.origin}/`);
    await tabTo(page, '#username');
    await page.keyboard.type('ada');
    await tabTo(page, '#password');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.map.across [data-marker="signed-in"]');

    await tabTo(page, '#do--life-rotate');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.events >> text=A new secret took over.');
    await tabTo(page, '#do--life-sign-out');
    await page.keyboard.press('Space');
    await page.waitForSelector('.map.across [data-marker="terminated"]');
    await tabTo(page, '#do--life-replay');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#result >> text=session_terminated');
  }),
);

test(
  'the other pages by keyboard alone: sign-in, a form, sign-out',
  { skip },
  visiting(async ({ site, page }) => {
    await page.goto(`${site.origin}/login?return=%2Faccount`);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'username');
    await page.keyboard.type('ada');
    await tabTo(page, '[name=password]');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/account');
    await tabTo(page, '[name=current]');
    await page.keyboard.type(password);
    await tabTo(page, '[name=new]');
    await page.keyboard.type('another long one');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=status] >> text=Your password has been changed.');
    await tabTo(page, '.bar button');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/ended\?/);
  }),
);

for (const reducedMotion of ['reduce', 'no-preference'] as const) {
  const moves = reducedMotion === 'no-preference';
  test(
    `the picture ${moves ? 'moves' : 'stands still for who asked for less motion, and shows the same'}`,
    { skip },
    visiting(async ({ site, page }) => {
      await page.emulateMedia({ reducedMotion });
      // How many animations were ever begun, by script or by style.
      await page.addInitScript(() => {
        const begun: string[] = [];
        Object.assign(globalThis, { begun });
        const { animate } = Element.prototype;
        Element.prototype.animate = function (...given) {
          begun.push(this.tagName);
          return animate.apply(this, given);
        };
        for (const type of ['animationstart', 'transitionrun']) {
          addEventListener(type, ({ target }) => begun.push(String(target)), true);
        }
      });
      await signIn(page, site, { back: '/' });
      await page.click('#do--life-rotate');
      await page.waitForSelector('.events >> text=A new secret took over.');
      await page.click('#do--life-sign-out');
      await page.waitForSelector('.map.across [data-marker="terminated"]');
      const begun: unknown = await page.evaluate('begun.length');
      if (moves) assert.notEqual(begun, 0);
      else assert.equal(begun, 0);
    }),
  );
}
