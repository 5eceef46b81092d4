import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../../test/between.ts';
import { Lab } from '../../test/lab.ts';
import { another, reasonOf, waiting } from '../../test/waiting.ts';
import { endWith } from '../live/live.ts';
import { unreadableEvent } from '../stores/rows.ts';
import { TestClock } from '../testing/clock.ts';

const minute = 60_000;

test('every way a session ends here reaches what waits on it at once, with the reason (G12, S-56)', async () => {
  const ways: Readonly<Record<string, (lab: Lab, id: string) => Promise<unknown>>> = {
    revoked: (lab, id) => lab.sessions.terminate(id),
    password_changed: (lab) => lab.sessions.terminateAll('u1', { reason: 'password_changed' }),
    account_disabled: (lab) => lab.sessions.disable('u1'),
    purged: (lab) => lab.sessions.purge('u1'),
    limit_reached: async (lab) => {
      for (let i = 0; i < 2; i++) await lab.signedIn('u1');
    },
    session_expired_idle: (lab) => {
      lab.clock.advance('30m');
      return lab.sessions.sweep();
    },
  };
  for (const [reason, end] of Object.entries(ways)) {
    const between = new Between();
    const lab = new Lab({ policy: { limit: 2 }, around: between.around });
    const { signal, id } = await waiting(lab);
    // Nothing is heard from the store: this process knows by itself.
    between.deaf = true;
    await end(lab, id);
    assert.equal(reasonOf(signal), reason);
    assert.equal(signal.reason.sessionId, id);
    assert.equal(signal.reason.at, lab.clock.now());
  }
});

test('a verdict on a token ends what waits on its session at once too', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const stale = browser.copy();
  await (await browser.signedIn()).rotate();
  const { signal } = await browser.signedIn();
  await settled();
  between.deaf = true;
  lab.clock.advance('30s');
  assert.equal(await stale.refusal(), 'rotation_lost');
  assert.equal(reasonOf(signal), 'rotation_lost');
});

test('an end elsewhere arrives too', async () => {
  const lab = new Lab();
  const { signal } = await waiting(lab);
  await another(lab).sessions.terminateAll('u1', { reason: 'password_changed' });
  await settled();
  assert.equal(reasonOf(signal), 'password_changed');
});

test('an end elsewhere arrives also where the event that tells of it cannot be read (G12)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { signal } = await waiting(lab);
  between.answering('events', async () => {
    const page = await lab.store.events(null, 1);
    return { ...page, events: page.events.map(({ cursor }) => ({ event: unreadableEvent, cursor })) };
  });
  await another(lab).sessions.terminateAll('u1', { reason: 'password_changed' });
  await settled();
  await settled();
  assert.equal(reasonOf(signal), 'password_changed');
});

test('among many writes elsewhere the one end is found', async () => {
  const lab = new Lab();
  const { signal, id } = await waiting(lab);
  const other = another(lab);
  await Promise.all(Array.from({ length: 600 }, (_, i) => other.signedIn(`v${i}`)));
  await settled();
  assert.equal(reasonOf(signal), null);
  await Promise.all([...Array.from({ length: 600 }, (_, i) => other.signedIn(`w${i}`)), other.sessions.terminate(id)]);
  await settled();
  assert.equal(reasonOf(signal), 'revoked');
});

test('an end behind more changes than one page is found by the first word of them', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  for (let i = 0; i < 300; i++) await lab.signedIn(`old${i}`);
  const { signal, id } = await waiting(lab);
  const other = another(lab);
  between.deaf = true;
  for (let i = 0; i < 300; i++) await other.signedIn(`v${i}`);
  await other.sessions.terminate(id);
  await settled();
  assert.equal(reasonOf(signal), null);
  between.deaf = false;
  const reads = between.count('events');
  await other.signedIn('last');
  await settled();
  assert.equal(reasonOf(signal), 'revoked');
  // What happened before the waiting began was not read.
  assert.equal(between.count('events') - reads, 2);
});

test('all that waits on one session waits on one signal', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const { signal } = await browser.signedIn();
  assert.equal((await browser.signedIn()).signal, signal);
  const other = await (await lab.signedIn('u2')).signedIn();
  assert.notEqual(other.signal, signal);
  assert.equal(between.watching, 1);
  await other.terminate();
  assert.equal(signal.aborted, false);
});

test('a session that ended just before it was waited on is found ended', async () => {
  const lab = new Lab();
  const session = await (await lab.signedIn()).signedIn();
  await another(lab).sessions.terminateAll('u1', { reason: 'password_changed' });
  const { signal } = session;
  await settled();
  assert.equal(reasonOf(signal), 'password_changed');
  // Of one that is known to have ended there is nothing to wait for.
  const purged = await (await lab.signedIn('u3')).signedIn();
  await another(lab).sessions.purge('u3');
  const gone = purged.signal;
  await settled();
  assert.equal(reasonOf(gone), 'purged');
});

test('a session that ends while the watching begins is found ended', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const session = await (await lab.signedIn()).signedIn();
  for (const call of ['cursor', 'find'] as const) {
    between.before(call, async () => {
      await lab.sessions.terminate(session.id);
    });
  }
  const { signal } = session;
  await settled();
  assert.equal(reasonOf(signal), 'revoked');
});

test('a session in use outlives its first limit and is ended at the one that counts', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { signal } = await browser.signedIn();
  await settled();
  for (let i = 0; i < 5; i++) {
    lab.clock.advance('20m');
    await browser.signedIn();
    await settled();
  }
  assert.equal(reasonOf(signal), null);
  lab.clock.advance(30 * minute - 1);
  await settled();
  assert.equal(reasonOf(signal), null);
  lab.clock.advance(1);
  await settled();
  assert.equal(reasonOf(signal), 'session_expired_idle');
  assert.deepEqual((await lab.told((await lab.sessions.list('u1')).ended[0]?.id ?? null)).at(-1), 'expired');
});

test('a visit that is not written yet counts before a limit is declared', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { signal } = await browser.signedIn();
  await settled();
  lab.clock.advance(30 * minute - 100);
  await browser.signedIn();
  lab.clock.advance(100);
  await settled();
  assert.equal(reasonOf(signal), null);
  assert.equal(await browser.refusal(), null);
});

/** Time whose timers, as the machine's, call back after 2³¹ ms at the latest. */
class ShortTimers extends TestClock {
  override after(delay: number, run: () => void): () => void {
    return super.after(Math.min(delay, 2 ** 31 - 1), run);
  }
}

test('a limit further away than a timer reaches is looked at on the way', async () => {
  const lab = new Lab({ policy: 'nist-63b4-aal1', clock: new ShortTimers() });
  const browser = await lab.signedIn('u1', { remember: true });
  const { signal } = await browser.signedIn();
  await settled();
  for (const { days, aborted } of [
    { days: 25, aborted: false },
    { days: 5, aborted: true },
  ]) {
    lab.clock.advance(`${days}d`);
    await settled();
    assert.equal(signal.aborted, aborted);
  }
});

test('a policy that became shorter ends what waits, here and on a node that still has the longer one', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { signal } = await browser.signedIn();
  const stricter = another(lab, { policy: { kinds: { standard: { idle: '5m' } } } });
  const there = stricter.browser();
  there.token = browser.token;
  const waitingThere = (await there.signedIn()).signal;
  await settled();
  lab.clock.advance(5 * minute - 1);
  await settled();
  assert.deepEqual([reasonOf(waitingThere), reasonOf(signal)], [null, null]);
  lab.clock.advance(1);
  await settled();
  assert.deepEqual([reasonOf(waitingThere), reasonOf(signal)], ['session_expired_idle', 'session_expired_idle']);
});

test('a session purged at its limit, between looking and ending, is told as purged', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { signal } = await waiting(lab);
  between.deaf = true;
  between.before('end', async () => {
    await lab.store.purge('u1', { operation: 'elsewhere' });
  });
  lab.clock.advance('30m');
  await settled();
  lab.clock.advance(1);
  await settled();
  assert.equal(reasonOf(signal), 'purged');
});

test('when nothing waits any more nothing is watched', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const { id } = await waiting(lab);
  assert.equal(between.watching, 1);
  await lab.sessions.terminate(id);
  assert.equal(between.watching, 0);
  // And who waits anew is told anew.
  const again = await (await lab.signedIn('u3')).signedIn();
  const { signal } = again;
  await settled();
  await another(lab).sessions.terminate(again.id);
  await settled();
  assert.equal(reasonOf(signal), 'revoked');
});

test('a subject purged elsewhere is heard of (G12)', async () => {
  const lab = new Lab();
  const { signal } = await waiting(lab);
  await another(lab).sessions.purge('u1');
  await settled();
  assert.equal(reasonOf(signal), 'purged');
});

test('who stopped waiting is not waited for: no timer, no look-up and no ear is kept for a connection that is gone', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  const said: string[] = [];
  const gone = ['first', 'second'].map((name) => endWith(session, () => said.push(name)));
  await settled();
  assert.equal(between.watching, 1);
  gone[0]?.();
  assert.equal(between.watching, 1);
  gone[1]?.();
  // To say so twice takes nobody else's place.
  gone[1]?.();
  assert.equal(between.watching, 0);
  const finds = between.count('find');
  lab.clock.advance('31m');
  await settled();
  assert.equal(between.count('find'), finds);
  assert.deepEqual(said, []);
});

test('who still waits is told, whoever else has stopped, and a signal that was handed out always is', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const session = await browser.signedIn();
  const said: string[] = [];
  endWith(session, () => said.push('waits'));
  endWith(session, () => said.push('gone'))();
  const other = await (await lab.signedIn('u2')).signedIn();
  const { signal } = other;
  endWith(other, () => said.push('gone'))();
  await settled();
  await lab.sessions.terminate(session.id);
  await lab.sessions.terminate(other.id);
  assert.deepEqual([said, reasonOf(signal), between.watching], [['waits'], 'revoked', 0]);
});
