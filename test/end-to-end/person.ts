import assert from 'node:assert/strict';
import type { BrowserContext, Cookie, Page, Response } from 'playwright-core';
import { password, type Site } from '../../packages/server/test/site.ts';

/** What a person does at the site, and what they and their browser see there. */

/** Fills in the sign-in form that the page shows, and waits for the page behind it. */
export async function fillInSignIn(page: Page, { remember = false }: { remember?: boolean } = {}): Promise<void> {
  const form = page.locator('form[action^="/login"]');
  await form.getByLabel('Username').fill('ada');
  await form.getByLabel('Password').fill(password);
  if (remember) await form.getByLabel('Stay signed in').check();
  await leaving(page, () => form.getByRole('button', { name: 'Sign in' }).click());
}

/** Signs in at the sign-in page; `back` is where they were. */
export async function signIn(
  page: Page,
  site: Site,
  { back = '/account', remember = false }: { back?: string; remember?: boolean } = {},
): Promise<void> {
  await page.goto(`${site.origin}/login?return=${encodeURIComponent(back)}`);
  await fillInSignIn(page, { remember });
  assert.equal(page.url(), site.origin + back);
}

/** By the button that is on every page. */
export async function signOut(page: Page): Promise<void> {
  await leaving(page, () => page.locator('.bar').getByRole('button', { name: 'Sign out' }).click());
}

/** Does what makes the page go, and waits until the next is there. */
export async function leaving(page: Page, act: () => Promise<void>): Promise<void> {
  await Promise.all([page.waitForEvent('load'), act()]);
}

/** Goes to a path and answers what the server said to the first request of it, whatever it led to. */
export async function goTo(page: Page, site: Site, path: string): Promise<Response> {
  const response = await page.goto(site.origin + path);
  assert.ok(response);
  const first = await response.request().redirectedFrom()?.response();
  return first ?? response;
}

/** The session's cookie in a jar, without the copy for the replay. */
export async function cookieOf(context: BrowserContext, site: Site): Promise<Cookie> {
  const found = (await context.cookies(site.origin)).filter(({ name }) => /^(sojourn-\d+|__Host-sojourn)$/.test(name));
  assert.equal(found.length, 1, 'one cookie of the session');
  const [cookie] = found;
  assert.ok(cookie);
  return cookie;
}

/** The public half of the token. */
export function idIn({ value }: Cookie): string {
  return value.split('.')[0] ?? '';
}

export interface Seen {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the server says of the session to a script of the page that is open. */
export function askSession(page: Page): Promise<Seen> {
  return page.evaluate(async () => {
    const answer = await fetch('/session', { headers: { accept: 'application/json' } });
    return { status: answer.status, body: await answer.json() };
  });
}

/** What a thief takes: the cookie as it is at this moment, in a jar of their own. */
export async function steal(from: BrowserContext, into: BrowserContext, site: Site): Promise<Cookie> {
  const copied = await cookieOf(from, site);
  await into.addCookies([copied]);
  return copied;
}
