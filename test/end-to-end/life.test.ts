import assert from 'node:assert/strict';
import { test } from 'node:test';
import { password } from '../../packages/server/test/site.ts';
import { skip, visiting } from './browser.ts';
import { askSession, cookieOf, fillInSignIn, goTo, idIn, leaving, signIn, signOut, steal } from './person.ts';

test(
  'the first visit makes an anonymous session, and reading on makes no other',
  { skip },
  visiting(async ({ site, context, page }) => {
    await page.goto(`${site.origin}/`);
    assert.match((await page.textContent('.state')) ?? '', /Your session is anonymous\./);
    const cookie = await cookieOf(context, site);
    const record = await site.server.context.sessions.find(idIn(cookie));
    assert.equal(record?.subject, null);
    await page.reload();
    assert.equal((await cookieOf(context, site)).value, cookie.value);
    assert.equal((await goTo(page, site, '/account')).status(), 303, 'anonymous is not signed in');
  }),
);

test(
  'G14: pages that only show something give a visitor no cookie',
  { skip },
  visiting(async ({ site, context, page }) => {
    await page.goto(`${site.origin}/login`);
    await page.goto(`${site.origin}/account`);
    assert.deepEqual(await context.cookies(site.origin), []);
  }),
);

test(
  'G2: sign-in makes a new id and a fresh secret, and the visitor’s cookie is dead',
  { skip },
  visiting(async ({ site, context, page, other }) => {
    await page.goto(`${site.origin}/`);
    const before = await cookieOf(context, site);
    const saved = await other();
    await steal(context, saved, site);
    await signIn(page, site);
    const now = await cookieOf(context, site);
    assert.notEqual(idIn(now), idIn(before));
    assert.notEqual(now.value.split('.')[1], before.value.split('.')[1]);

    const copy = await saved.newPage();
    await copy.goto(`${site.origin}/login`);
    const { status, body } = await askSession(copy);
    assert.equal(status, 401);
    assert.equal(body['code'], 'token_replaced');
    assert.equal((await askSession(page)).status, 200, 'the new session is not touched by it');
  }),
);

test(
  'G10: each request is recognised with the permissions of that moment',
  { skip },
  visiting(async ({ site, page }) => {
    await signIn(page, site);
    const { sessions } = site.server.context;
    const first = await askSession(page);
    assert.deepEqual(first.body['permissions'], ['orders:read', 'demo:read']);
    await sessions.setPermissions(String(first.body['subject']), ['demo:read']);
    const next = await askSession(page);
    assert.deepEqual(next.body['permissions'], ['demo:read']);
    assert.equal(next.body['id'], first.body['id'], 'and stays signed in');
  }),
);

test(
  'G6: a session unused for too long ends, the reason is said, and sign-in leads back to where they were',
  { skip },
  visiting(async ({ site, context, page }) => {
    await signIn(page, site);
    const old = idIn(await cookieOf(context, site));
    await site.pass(29 * 60);
    assert.equal((await goTo(page, site, '/account')).status(), 200, 'use puts the end off');
    // To the limit itself, without time for a sweep: the lookup sees it.
    const { sessions } = site.server.context;
    await site.pass(2);
    const { idleUntil = 0 } = (await sessions.find(old)) ?? {};
    await site.pass((idleUntil - site.clock.now()) / 1000 - 1);
    site.clock.advance('1s');
    const sent = await goTo(page, site, '/account?from=bookmark');
    assert.equal(sent.status(), 303);
    assert.equal(page.url(), `${site.origin}/login?return=${encodeURIComponent('/account?from=bookmark')}`);
    assert.match((await page.textContent('main')) ?? '', /Your session ended because it was not used for a while\./);
    await fillInSignIn(page);
    assert.equal(page.url(), `${site.origin}/account?from=bookmark`);
    assert.match((await page.textContent('#ended ~ ul')) ?? '', /not used for a while/);
    assert.notEqual(idIn(await cookieOf(context, site)), old);
  }),
);

test(
  'G3: the life on its plainest way: visit, the sign-in page, Sign out in the bar, and the old cookie replayed',
  { skip },
  visiting(async ({ site, context, page }) => {
    for (const way of ['the sign-in page', 'the life page']) {
      await page.goto(`${site.origin}/`);
      if (way === 'the sign-in page') {
        await leaving(page, () => page.locator('.bar').getByRole('link', { name: 'Sign in' }).click());
        await fillInSignIn(page);
      } else {
        site.clock.advance('1s');
        await page.fill('#username', 'ada');
        await page.fill('#password', password);
        await page.click('#do-sign-in');
        await page.waitForSelector('.map.across [data-marker="signed-in"]');
      }
      assert.equal(page.url(), `${site.origin}/`);
      const { value } = await cookieOf(context, site);

      await signOut(page);
      assert.match((await page.textContent('.said')) ?? '', /^Signed out: the session has ended/);
      assert.match(
        (await page.textContent('.state')) ?? '',
        /^Your session was terminated\. It ended because you signed out\.$/,
      );
      assert.equal(await page.locator('.map.across').getAttribute('data-position'), 'terminated');
      const kept = (await context.cookies(`${site.origin}/life/replay`)).filter(({ name }) => /-copy$|\d$/.test(name));
      assert.deepEqual(
        kept.map((cookie) => [cookie.value, cookie.httpOnly, cookie.path]),
        [[value, true, '/life/replay']],
        'no session, and the copy of the one that ended',
      );

      await page.click('#do--life-replay');
      const result = (await page.locator('#result').textContent()) ?? '';
      assert.match(result, /401 session_terminated\s*reason signed_out/, way);
      assert.match(result, /The guarantee: G3/);
    }
  }),
);

test(
  'G3: after sign-out a saved copy of the cookie is refused, with the reason',
  { skip },
  visiting(async ({ site, context, page, other }) => {
    await signIn(page, site);
    const saved = await other();
    await steal(context, saved, site);
    await signOut(page);
    assert.match((await page.textContent('.said')) ?? '', /^Signed out/);
    await page.goto(`${site.origin}/`);
    const left = await cookieOf(context, site);

    const copy = await saved.newPage();
    assert.equal((await goTo(copy, site, '/account')).status(), 303);
    assert.match((await copy.textContent('main')) ?? '', /Your session ended because you signed out\./);
    const { status, body } = await askSession(copy);
    assert.deepEqual([status, body['code'], body['reason']], [401, 'session_terminated', 'signed_out']);
    assert.notEqual(idIn(left), idIn(await cookieOf(saved, site)), 'the visit after it is another session');
  }),
);
