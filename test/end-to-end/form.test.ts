import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skip, visiting } from './browser.ts';
import { fillInSignIn, leaving, signIn } from './person.ts';

const unsent = /Your session had ended, so what you sent was not carried out\. Send it again\./;

test(
  'a form sent after the session expired: sign-in, back to the form’s page, and it says what was not done (S-58)',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site, { back: '/account?from=menu' });
    await page.getByLabel('Current password').fill('correct horse battery');
    await page.getByLabel('New password').fill('another long one');
    await site.pass(31 * 60);
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.isNavigationRequest()) asked.push(`${request.method()} ${request.url().slice(site.origin.length)}`);
    });

    await leaving(page, () => page.getByRole('button', { name: 'Change password' }).click());
    const text = (await page.textContent('main')) ?? '';
    assert.match(text, /Your session ended because it was not used for a while\./);
    assert.match(text, /What you sent was not carried out\. After signing in you return to the form\./);

    // Signing in works with the password as it was, so nothing was changed.
    await fillInSignIn(page);
    assert.equal(page.url(), `${site.origin}/account?from=menu`);
    assert.match((await page.textContent('[role=status]')) ?? '', unsent);
    const way = '/login?return=%2Faccount%3Ffrom%3Dmenu&unsent=1';
    assert.deepEqual(asked, ['POST /account/password', `GET ${way}`, `POST ${way}`, 'GET /account?from=menu']);

    await page.reload();
    assert.doesNotMatch((await page.textContent('body')) ?? '', unsent, 'said once');
  }),
);

test(
  'sent again after it, the form is carried out',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site);
    const send = async (): Promise<void> => {
      await page.getByLabel('Current password').fill('correct horse battery');
      await page.getByLabel('New password').fill('another long one');
      await leaving(page, () => page.getByRole('button', { name: 'Change password' }).click());
    };
    await site.pass(31 * 60);
    await send();
    await fillInSignIn(page);
    await send();
    assert.equal(page.url(), `${site.origin}/account`);
    assert.match((await page.textContent('[role=status]')) ?? '', /Your password has been changed\./);
  }),
);
