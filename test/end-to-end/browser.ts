import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, type TestContext } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { openSite, type Site } from '../../packages/server/test/site.ts';

/*
 * Chromium as people run it: started with few flags and driven over its debugging port. The driver's own
 * way to start it would turn off what these tests are about, such as pages kept in memory for Back.
 */
const executable = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));

/** Why tests that need Chromium are skipped; with NO_SKIP they fail instead. */
export const skip: string | false =
  executable === undefined && process.env['NO_SKIP'] === undefined ? 'there is no chromium here' : false;

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  // The key that cookies on disk are sealed with is the same at each start.
  '--password-store=basic',
  '--remote-debugging-port=0',
  // Names for sites behind https; RFC 6761 keeps .test for this.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

export interface Chromium {
  readonly browser: Browser;
  /** The context of the profile, whose cookies are kept on disk. */
  readonly profile: BrowserContext;
  /** kill -9 of all its processes at once. */
  kill(): Promise<void>;
  /** As a person closes it: what waits is written to disk. */
  close(): Promise<void>;
}

export async function startChromium(profile: string): Promise<Chromium> {
  assert.ok(executable, 'chromium is needed: install it');
  const child = spawn(executable, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    // A process group of its own, so that a kill reaches its children and nobody else's.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // All of them hold its end of the pipe, so it closes when the last one is gone.
  const gone = once(child, 'close');
  const kill = (): void => {
    if (child.pid !== undefined && child.stderr.readable) process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', kill);
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    gone.then(() => reject(new Error('chromium ended as it started')), reject);
    createInterface(child.stderr).on('line', (line) => {
      const url = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
  const browser = await chromium.connectOverCDP(endpoint);
  const [context] = browser.contexts();
  assert.ok(context);
  const over = async (): Promise<void> => {
    await gone;
    process.off('exit', kill);
  };
  return {
    browser,
    profile: context,
    async kill() {
      kill();
      await over();
    },
    async close() {
      const session = await browser.newBrowserCDPSession();
      // It may be gone before it has answered.
      await Promise.all([session.send('Browser.close').catch(() => {}), over()]);
    },
  };
}

/** A folder for a profile, removed after the test. */
export function newProfile(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sojourn-chromium-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

let shared: { readonly chromium: Promise<Chromium>; remove(): void } | null = null;

/** One Chromium for the tests of a file. */
function sharedChromium(): Promise<Chromium> {
  if (shared === null) {
    const { path, remove } = newProfile();
    shared = { chromium: startChromium(path), remove };
  }
  return shared.chromium;
}

after(async () => {
  // One that did not start has failed the tests already.
  await shared?.chromium.then((started) => started.close()).catch(() => {});
  shared?.remove();
});

interface Given {
  readonly site: Site;
  /** A person's browser: a jar of its own. */
  readonly context: BrowserContext;
  readonly page: Page;
  /** Another browser, of another person or a thief. */
  readonly other: () => Promise<BrowserContext>;
  readonly t: TestContext;
}

/** The body of a test: a site and a person's browser of its own. */
export function visiting(
  run: (given: Given) => Promise<void>,
  open: () => Promise<Site> = openSite,
): (t: TestContext) => Promise<void> {
  return async (t) => {
    const { browser } = await sharedChromium();
    const site = await open();
    const contexts: BrowserContext[] = [];
    const other = async (): Promise<BrowserContext> => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      contexts.push(context);
      return context;
    };
    try {
      const context = await other();
      await run({ site, context, page: await context.newPage(), other, t });
    } finally {
      for (const context of contexts) await context.close();
      await site.close();
    }
  };
}
