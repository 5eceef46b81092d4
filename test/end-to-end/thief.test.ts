import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserContext, Cookie, Page } from 'playwright-core';
import type { Site } from '../../packages/server/test/site.ts';
import { seeded } from '../../packages/sojourn/src/stores/contract/subject.ts';
import { live, type Thief } from '../../packages/sojourn/test/thief/thief.ts';
import { skip, visiting } from './browser.ts';
import { askSession, cookieOf, idIn, signIn, steal } from './person.ts';

/*
 * The lives of SECURITY.md's table, a few of them, with a real browser on either side: a person uses the
 * site in Chromium, and a thief polls from a second jar with the cookie that was copied. The same seeds
 * give the same moments of use, so each life must be noticed at the moment that the table was measured by.
 */
const minute = 60_000;
const day = 8 * 60 * minute;
const meanPause = 2 * minute;
const rotateEvery = 60 * minute;
const grace = minute / 2;
const intervals = { '1 min': minute, '10 min': 10 * minute, '1 h': 60 * minute } as const;
/** One life for each interval and thief: what is asked here is that it goes as it was counted, not how often. */
const seed = 2;

interface Noticed {
  /** From the theft to the end of the session, in milliseconds. */
  readonly after: number;
  readonly reason: string;
  /** From the moment at which the person showed the new secret; `NaN` before it. */
  readonly afterShown: number;
}

interface Life {
  readonly site: Site;
  readonly person: Page;
  readonly thief: Page;
  readonly poll: number;
  readonly kind: Thief;
}

/** The same plan as `live` has, lived over the network; `null`: not noticed within the day. */
async function liveInBrowsers(life: Life): Promise<Noticed | null> {
  const { site, person, thief, poll } = life;
  const { clock } = site;
  const random = seeded(seed * 7919 + poll);
  for (let i = 0; i < 3; i++) random();
  const pause = (): number => Math.max(1000, -Math.log(1 - random()) * meanPause);
  const start = clock.now();
  const theft = start + random() * rotateEvery;
  let [nextRequest, nextPoll] = [start + pause(), theft];
  let copied: Cookie | null = null;
  // The first request once it is due is handed the new secret, the next shows it.
  let [sinceDue, shownAt] = [0, Number.NaN];
  while (clock.now() < start + day) {
    const thiefsTurn = nextPoll <= nextRequest;
    await until(site, Math.ceil(thiefsTurn ? nextPoll : nextRequest));
    let admitted: boolean;
    if (thiefsTurn) {
      copied ??= await steal(person.context(), thief.context(), site);
      admitted = await polls(life, copied);
      nextPoll += poll;
    } else {
      admitted = (await askSession(person)).status === 200;
      if (clock.now() - start >= rotateEvery && ++sinceDue === 2) shownAt = clock.now();
      nextRequest = clock.now() + pause();
    }
    if (admitted) continue;
    const reason = await endOf(site, person.context());
    return { after: clock.now() - theft, reason, afterShown: clock.now() - shownAt };
  }
  return null;
}

async function until(site: Site, moment: number): Promise<void> {
  const left = moment - site.clock.now();
  await site.pass(Math.floor(left / 1000));
  site.clock.advance(left % 1000);
}

/** One use by the thief. A mere copy never keeps what an answer brings. */
async function polls({ site, thief, kind }: Life, copied: Cookie): Promise<boolean> {
  const { status } = await askSession(thief);
  const jar = thief.context();
  if (kind === 'copy' && (await cookieOf(jar, site)).value !== copied.value) await jar.addCookies([copied]);
  return status === 200;
}

/** Why the session of this jar ended. */
async function endOf(site: Site, context: BrowserContext): Promise<string> {
  const { sessions } = site.server.context;
  const found = await sessions.find(idIn(await cookieOf(context, site)));
  return found?.ending?.reason ?? 'it goes on';
}

const titles: Readonly<Record<Thief, string>> = {
  copy: 'G13: a copied cookie that is used on is noticed at the next rotation, at the moments SECURITY.md counts with',
  pace: 'G13: a thief who takes every new cookie is noticed as well, at the moments SECURITY.md counts with',
};

for (const kind of ['copy', 'pace'] as const) {
  test(
    titles[kind],
    { skip },
    visiting(async ({ site, context, page: person, other, t }) => {
      const thief = await (await other()).newPage();
      const rows: string[] = [];
      for (const [name, poll] of Object.entries(intervals)) {
        await Promise.all([context.clearCookies(), thief.context().clearCookies()]);
        // Any page of the site, to ask from.
        await thief.goto(`${site.origin}/login`);
        await signIn(person, site);
        const noticed = await liveInBrowsers({ site, person, thief, poll, kind });
        const counted = await live(seed, poll, kind);
        assert.ok(noticed, `polling every ${name}: not noticed`);
        assert.equal(Math.ceil(noticed.after), Math.ceil(counted.noticedAfter ?? 0), `polling every ${name}`);
        assert.match(noticed.reason, /^(rotation_lost|reuse_detected)$/);
        if (kind === 'copy') assert.ok(noticed.afterShown <= grace + poll, `${name}: ${noticed.afterShown} ms`);
        rows.push(`| ${name} | ${Math.round(noticed.after / minute)} min | ${noticed.reason} |`);
      }
      t.diagnostic(`${kind}: polls every, noticed after, ended with`);
      for (const row of rows) t.diagnostic(row);
    }),
  );
}
