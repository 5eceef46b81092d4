import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { password, type Site } from '../../packages/server/test/site.ts';
import { skip, visiting } from './browser.ts';
import { askSession, cookieOf, leaving, signIn } from './person.ts';

/*
 * Pages of others that act on the site with the person's browser. Another port of the same host is the
 * same *site* to a browser, so SameSite does not keep the cookie from it; another host is not.
 */
const elsewhere = { 'another site': 'localhost', 'another origin of the same site': '127.0.0.1' } as const;

interface Foreign {
  /** A page there, with this in its body. */
  open(page: Page, body: string): Promise<void>;
}

async function foreignAt(t: TestContext, host: string): Promise<Foreign> {
  let body = '';
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(`<!doctype html><title>elsewhere</title>${body}`);
  });
  await once(server.listen(0, host), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    async open(page, next) {
      body = next;
      await page.goto(`http://${host}:${port}/`);
    },
  };
}

/** What reaches the server from now on: method, path, and whether the session's cookie came along. */
function watch(site: Site): string[] {
  const seen: string[] = [];
  site.server.app.server.prependListener('request', ({ method, url, headers }) => {
    if (!url?.startsWith('/assets')) seen.push(`${method} ${url} ${headers.cookie ? 'with' : 'without'} cookie`);
  });
  return seen;
}

function formTo(url: string, fields: Readonly<Record<string, string>> = {}): string {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  return `<form method="post" action="${url}">${inputs.join('')}<button>A prize</button></form>`;
}

for (const [where, host] of Object.entries(elsewhere)) {
  const cookie = where === 'another site' ? 'without' : 'with';

  test(
    `a form on ${where} can neither sign out nor change anything`,
    { skip },
    visiting(async ({ site, page, t }) => {
      await signIn(page, site);
      const id = (await askSession(page)).body['id'];
      const foreign = await foreignAt(t, host);
      const seen = watch(site);
      for (const path of ['/logout', '/account/sessions/terminate-others', '/account/password']) {
        await foreign.open(page, formTo(site.origin + path, { current: password, new: 'chosen by a stranger' }));
        await leaving(page, () => page.getByRole('button').click());
        assert.match((await page.textContent('h1')) ?? '', /This request came from another site/, path);
        assert.equal(seen.pop(), `POST ${path} ${cookie} cookie`);
      }
      await page.goto(`${site.origin}/account`);
      assert.equal((await askSession(page)).body['id'], id);
    }),
  );

  test(
    `G2: a form on ${where} cannot sign the browser in as somebody of its choice`,
    { skip },
    visiting(async ({ site, page, context, t }) => {
      const foreign = await foreignAt(t, host);
      await foreign.open(page, formTo(`${site.origin}/login`, { username: 'ben', password }));
      await leaving(page, () => page.getByRole('button').click());
      assert.match((await page.textContent('h1')) ?? '', /This request came from another site/);
      assert.deepEqual(await context.cookies(site.origin), []);
    }),
  );

  test(
    `a script on ${where} can send what it likes and reads nothing`,
    { skip },
    visiting(async ({ site, page, t }) => {
      await signIn(page, site);
      const foreign = await foreignAt(t, host);
      await foreign.open(page, '');
      const seen = watch(site);
      const read = await page.evaluate(async (origin) => {
        const tries = [
          fetch(`${origin}/session`, { credentials: 'include' }),
          fetch(`${origin}/logout`, { method: 'POST', credentials: 'include', mode: 'no-cors' }),
          fetch(`${origin}/account`, { credentials: 'include', mode: 'no-cors' }),
        ];
        const answers = await Promise.allSettled(tries);
        return Promise.all(answers.map((one) => (one.status === 'fulfilled' ? one.value.text() : 'refused')));
      }, site.origin);
      assert.deepEqual(
        read.map((text) => (text === '' ? 'refused' : text)),
        ['refused', 'refused', 'refused'],
      );
      assert.deepEqual(seen.toSorted(), [
        `GET /account ${cookie} cookie`,
        `GET /session ${cookie} cookie`,
        `POST /logout ${cookie} cookie`,
      ]);
      await page.goto(`${site.origin}/account`);
      assert.equal(page.url(), `${site.origin}/account`, 'still signed in');
    }),
  );

  test(
    `a link on ${where} leads to the site with the person still signed in; a frame shows nothing`,
    { skip },
    visiting(async ({ site, page, context, t }) => {
      await signIn(page, site);
      const { value } = await cookieOf(context, site);
      const foreign = await foreignAt(t, host);
      const seen = watch(site);
      await foreign.open(page, `<iframe src="${site.origin}/account"></iframe>`);
      const [, frame] = page.frames();
      assert.doesNotMatch((await frame?.textContent('body')) ?? '', /ada|Account|Sign in/);
      assert.equal(seen[0], `GET /account ${cookie} cookie`);

      await foreign.open(page, `<a href="${site.origin}/account">A link</a>`);
      await leaving(page, () => page.getByRole('link').click());
      assert.equal(page.url(), `${site.origin}/account`);
      assert.equal(seen.at(-1), 'GET /account with cookie', 'Lax lets a navigation bring it');
      assert.equal((await cookieOf(context, site)).value, value);
    }),
  );
}
