import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';
import { seededRandom } from '../testing/random.ts';
import { SojournError } from './errors.ts';

/** Uses a browser until its next request is due for a new secret, and no later. */
async function untilDue(lab: Lab, browser: Browser): Promise<void> {
  for (let i = 0; i < 2; i++) {
    lab.clock.advance('25m');
    await browser.signedIn();
    await lab.settle();
  }
  lab.clock.advance('10m');
}

test('where a rotation cannot be written the secret that was right still is (G8)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  const first = browser.token;
  between.failing = (name) => name === 'update';
  await browser.signedIn();
  assert.equal(browser.token, first);
  between.failing = () => false;
  await browser.signedIn();
  assert.notEqual(browser.token, first);
  between.failing = (name) => name === 'update';
  // Nor is the new one refused where its first sight cannot be written.
  await browser.signedIn();
  between.failing = () => false;
  assert.equal(await browser.refusal(first), null);
  await browser.signedIn();
  await lab.settle();
  const codes = (await lab.events()).map((event) => event.code).filter(Boolean);
  assert.deepEqual(codes, ['store_unavailable']);
});

test('nor where the store fails only later', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  const first = browser.token;
  const fail = (): Promise<never> => Promise.reject(new Error('ECONNRESET'));
  between.before('update', fail);
  await browser.signedIn();
  assert.equal(browser.token, first);
  await browser.signedIn();
  const next = browser.token;
  assert.notEqual(next, first);
  between.before('update', fail);
  assert.equal((await browser.signedIn()).subject, 'u1');
  await browser.signedIn();
  assert.equal(browser.token, next);
});

test('randomness that fails is no outage of the store and is not passed over', async () => {
  const seeded = seededRandom(7);
  let failing = false;
  const text = (bytes: number): string => {
    if (failing) throw new RangeError('no entropy');
    return seeded.text(bytes);
  };
  const lab = new Lab({ random: { text } });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  failing = true;
  await assert.rejects(browser.signedIn(), RangeError);
});

test('a store that says it is unusable is not passed over either', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  between.before('update', () => Promise.reject(new SojournError('store_unusable', 'Not a database.')));
  await assert.rejects(browser.signedIn(), code('store_unusable'));
});
