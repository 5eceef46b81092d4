import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Browser, Lab } from '../../test/lab.ts';

/** A request that only looks, as a page that polls for its remaining time. */
async function look(lab: Lab, browser: Browser): Promise<Awaited<ReturnType<Browser['signedIn']>>> {
  const session = await lab.sessions.track(browser.token, {
    passive: true,
    carrier: {
      begin: () => () => {},
      issue: (token) => {
        browser.token = token.reveal();
      },
      clear: () => {},
      device: () => undefined,
      body: () => Promise.reject(new Error('no body')),
      address: null,
    },
  });
  assert.ok(session.state === 'signed-in', session.refused?.code);
  return session;
}

test('a request that only looks does not move the idle limit (R-115, S-39)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  for (let i = 0; i < 29; i++) {
    lab.clock.advance('1m');
    await look(lab, browser);
    await lab.settle();
  }
  lab.clock.advance('31s');
  assert.equal(await browser.refusal(), 'session_expired_idle');
});

test('nor does it by a rotation that falls due meanwhile (R-115, S-39)', async () => {
  const lab = new Lab({ policy: { kinds: { standard: { rotateEvery: '10m' } } } });
  const browser = await lab.signedIn();
  for (let i = 0; i < 29; i++) {
    lab.clock.advance('1m');
    await look(lab, browser);
  }
  lab.clock.advance('1m');
  assert.equal(await browser.refusal(), 'session_expired_idle');
});

test('a request that only looks is told the time that is really left (R-115)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { idleUntil } = await browser.signedIn();
  lab.clock.advance('10m');
  assert.equal((await look(lab, browser)).idleUntil, idleUntil);
});
