import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { Lab, type LabOptions } from '../../test/lab.ts';
import { networked } from '../../test/near.ts';
import { memory } from '../stores/memory.ts';

/** Two processes on one engine, and a browser whose session the first remembers. */
async function two(options: LabOptions = {}): Promise<{
  here: Lab;
  there: Lab;
  between: Between;
  browser: Awaited<ReturnType<Lab['signedIn']>>;
  /** The same browser, when its requests reach the other process. */
  elsewhere: Awaited<ReturnType<Lab['signedIn']>>;
  finds: () => number;
}> {
  const between = new Between();
  between.keepOpen = true;
  const there = new Lab({ engine: (now) => networked(memory({ now })), ...options });
  const here = new Lab({ engine: () => there.store, around: between.around, clock: there.clock, ...options });
  const browser = await here.signedIn();
  const elsewhere = there.browser();
  elsewhere.token = browser.token;
  for (let i = 0; i < 5; i++) {
    await browser.signedIn();
    await here.settle();
    await settled();
  }
  return { here, there, between, browser, elsewhere, finds: () => between.count('find') };
}

test('a session that is remembered is tracked without the store', async () => {
  const { browser, finds, here } = await two();
  const before = finds();
  for (let i = 0; i < 10; i++) assert.equal((await browser.signedIn()).subject, 'u1');
  assert.equal(finds(), before);
  assert.ok((here.sessions.counts.cache?.hits ?? 0) >= 10);
});

test('what is not exactly a token is none, also where its session is remembered (R-130)', async () => {
  const { browser } = await two();
  const token = browser.token ?? '';
  assert.equal(await browser.refusal(token), null);
  const forms = [`${token}=`, ` ${token}`, token.replace('.', '?'), token.replace('.', ''), `${token.slice(0, -1)}+`];
  for (const form of forms) assert.equal(await browser.refusal(form), 'none', form);
});

test('a token that was rotated elsewhere is not refused by what is remembered', async () => {
  const { browser, elsewhere, finds } = await two();
  await (await elsewhere.signedIn()).rotate();
  browser.token = elsewhere.token;
  const before = finds();
  assert.equal(await browser.refusal(), null);
  assert.equal(finds(), before + 1);
});

test('a look-up that is at odds with what is remembered counts as a verdict, not as a hit', async () => {
  const { here, browser } = await two();
  const counts = (): (number | undefined)[] => {
    const cache = here.sessions.counts.cache;
    return [cache?.hits, cache?.misses, cache?.bypasses.unproved, cache?.bypasses.verdict];
  };
  const [hits = 0, misses, unproved, verdicts = 0] = counts();
  assert.equal(verdicts, 0);
  const wrong = `${browser.token?.slice(0, 24)}${'A'.repeat(43)}`;
  assert.equal(await browser.refusal(wrong), 'sign_in_required');
  assert.deepEqual(counts(), [hits, misses, unproved, 1]);
  await browser.signedIn();
  assert.deepEqual(counts(), [hits + 1, misses, unproved, 1]);
});

test('a session that looks dead here was seen elsewhere, and lives', async () => {
  const { here, there, browser, elsewhere } = await two();
  for (let i = 0; i < 3; i++) {
    here.clock.advance('20m');
    await elsewhere.signedIn();
    await there.settle();
  }
  // Served here all the while from what is remembered, were it not for the proof.
  assert.equal(await browser.refusal(), null);
});

test('a wrong secret, and one of a session that has ended, are refused by the store', async () => {
  const { browser, there, finds, here } = await two();
  const session = await browser.signedIn();
  const before = finds();
  const wrong = `${browser.token?.slice(0, 24)}${'A'.repeat(43)}`;
  assert.equal(await browser.refusal(wrong), 'sign_in_required');
  assert.equal(finds(), before + 1);
  await there.sessions.terminate(session.id);
  here.clock.advance('1s');
  await settled();
  assert.equal(await browser.refusal(), 'session_terminated');
});

test('fresh: nothing that is remembered is asked', async () => {
  const { browser, there, here } = await two();
  const { id } = await browser.signedIn();
  await there.sessions.terminate(id);
  assert.equal((await here.sessions.track(browser.token)).state, 'signed-in', 'within the bound');
  const session = await here.sessions.track(browser.token, { fresh: true });
  assert.equal(session.refused?.code, 'session_terminated');
  assert.equal(here.sessions.counts.cache?.bypasses.fresh, 1);
  await (await here.signedIn('u2')).signedIn().then((other) => other.assertLive());
  assert.equal(here.sessions.counts.cache?.bypasses.fresh, 2, 'to ask again is to ask for it fresh');
});

test('G4: a write on top of what is remembered is decided on what the store has', async () => {
  const { browser, elsewhere } = await two();
  await (await elsewhere.signedIn()).update((draft) => {
    draft.cart = ['elsewhere'];
  });
  await (await browser.signedIn()).update((draft) => {
    draft.cart = [...(draft.cart ?? []), 'here'];
  });
  assert.deepEqual((await elsewhere.signedIn()).data.cart, ['elsewhere', 'here']);
});

test('G4: an update that changes nothing of what is remembered is judged by what the store has', async () => {
  const { browser, elsewhere } = await two();
  const write = async (at: typeof browser, draft: string): Promise<void> =>
    (await at.signedIn()).update((data) => {
      data.draft = draft;
    });
  await write(browser, 'dark');
  await browser.signedIn();
  await write(elsewhere, 'light');
  await write(browser, 'dark');
  assert.equal((await elsewhere.signedIn()).data.draft, 'dark');
});

test('G13: a secret that waits is not handed out from memory: it may have been given up since', async () => {
  const { here, browser, elsewhere } = await two();
  for (let i = 0; i < 4; i++) {
    here.clock.advance('20m');
    await browser.visit({ readOnly: true });
    await elsewhere.visit({ readOnly: true });
    await here.settle();
  }
  // Offered, and the answer is lost; this process remembers that it waits.
  await browser.visit({ lost: true });
  for (let i = 0; i < 3; i++) {
    await browser.visit({ readOnly: true });
    await here.settle();
  }
  const former = browser.token;
  elsewhere.token = former;
  await (await elsewhere.signedIn({ lost: true })).stepUp({ factor: 'totp' });
  const handed = browser.handed.length;
  const session = await browser.visit({ token: former });
  assert.equal(session.refused?.code, 'token_replaced');
  assert.equal(browser.handed.length, handed);
});

test('G13: a rotation that fell due in both processes hands out one secret', async () => {
  const { here, there, browser, elsewhere } = await two();
  for (let i = 0; i < 4; i++) {
    here.clock.advance('20m');
    await browser.visit({ readOnly: true });
    await elsewhere.visit({ readOnly: true });
    await here.settle();
    await there.settle();
  }
  await browser.signedIn();
  await elsewhere.signedIn();
  assert.ok(browser.handed.length > 1);
  assert.equal(browser.token, elsewhere.token);
});

test('a session is touched once in an interval, also by who remembers it', async () => {
  const { here, between, browser } = await two();
  for (let i = 0; i < 6; i++) {
    here.clock.advance('10s');
    await browser.signedIn();
    await here.settle();
  }
  const before = between.count('touch');
  for (let i = 0; i < 12; i++) {
    here.clock.advance('10s');
    await browser.signedIn();
    await here.settle();
  }
  assert.ok(between.count('touch') - before <= 3, `${between.count('touch') - before} in two minutes`);
});

test('cache: false remembers nothing, and what cannot be is refused at the start', async () => {
  const { browser, finds, here } = await two({ cache: false });
  const before = finds();
  await browser.signedIn();
  assert.equal(finds(), before + 1);
  assert.equal(here.sessions.counts.cache, null);
  for (const cache of [{ bound: '49ms' }, { bound: '61s' }, { bytes: -1 }, { bytes: 0.5 }, { most: 1 }] as const) {
    assert.throws(() => new Lab({ cache: cache as { bytes: number } }), { code: 'option_invalid' });
  }
});
