import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, Lab } from '../../test/lab.ts';
import { seededRandom } from '../testing/random.ts';
import { SojournError } from './errors.ts';

/** The id half of a browser's token. */
function idOf(browser: Browser): string {
  return browser.token?.split('.')[0] ?? '';
}

/** A token that is two generations old. */
async function copied(lab: Lab, browser: Browser): Promise<string | null> {
  const { token } = browser;
  for (let i = 0; i < 2; i++) {
    await (await browser.signedIn()).rotate();
    await browser.signedIn();
    lab.clock.advance('1m');
  }
  return token;
}

test('an id alone tells nothing: a wrong secret is answered like an id that nobody has (R-130, S-63)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const ended = await lab.signedIn('u2');
  await (await ended.visit({ lost: true })).terminate();
  const wrong = 'x'.repeat(43);
  const answers = await Promise.all(
    [idOf(browser), idOf(ended), `A${'b'.repeat(22)}`].map(async (id) => {
      const { state, refused } = await lab.browser().visit({ token: `${id}.${wrong}` });
      return { state, refused };
    }),
  );
  const unknown = { code: 'sign_in_required', reason: undefined, at: undefined, sessionId: undefined };
  assert.deepEqual(answers, Array(3).fill({ state: 'none', refused: unknown }));
});

test('guessing a secret is noticed, counted, and ends nobody’s session (R-143, S-63)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  for (let i = 10; i < 40; i++) await browser.refusal(`${idOf(browser)}.${`${i}`.repeat(22).slice(0, 43)}`);
  await lab.settle();
  const noticed = (await lab.events()).filter(({ type }) => type === 'noticed');
  assert.deepEqual(
    noticed.map(({ sessionId, code: of, count }) => [sessionId, of, count]),
    [[idOf(browser), 'secret_mismatch', 30]],
  );
  assert.equal(await browser.refusal(), null);
});

test('a token of a wrong shape reaches no store at all (R-130)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  for (const token of ['', 'x', '../../etc/passwd', "' OR 1=1", 'A'.repeat(8192), '\0'.repeat(67)]) {
    const session = await lab.browser().visit({ token });
    assert.equal(session.state, 'none');
    assert.equal(session.refused, null);
  }
  assert.deepEqual(between.calls, []);
});

test('who comes with an ended session’s token is told why and when, and it is recorded but for expiry', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const { id } = await browser.signedIn();
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  const endedAt = lab.clock.now();
  lab.clock.advance('5m');
  const { refused } = await browser.visit();
  assert.deepEqual(refused, { code: 'session_terminated', reason: 'password_changed', at: endedAt, sessionId: id });
  const idle = await lab.signedIn('u2');
  lab.clock.advance('30m');
  await idle.refusal();
  await idle.refusal();
  await lab.settle();
  const noticed = (await lab.events()).filter(({ type }) => type === 'noticed');
  assert.deepEqual(
    noticed.map(({ subject, code: of }) => [subject, of]),
    [['u1', 'session_terminated']],
  );
});

test('a token that was replaced is refused and recorded, with its session (G2)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const old = browser.token;
  await (await browser.signedIn()).stepUp({ factor: 'totp' });
  const at = lab.clock.now();
  lab.clock.advance('1m');
  const { refused } = await browser.visit({ token: old, lost: true });
  assert.deepEqual(refused, { code: 'token_replaced', reason: 'replaced', at, sessionId: idOf(browser) });
  await lab.settle();
  const last = (await lab.events()).at(-1);
  assert.deepEqual([last?.type, last?.code, last?.sessionId], ['noticed', 'token_replaced', idOf(browser)]);
});

test('a usual request is one read and no write', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const before = between.calls.length;
  await browser.signedIn();
  assert.deepEqual(between.calls.slice(before), ['find']);
});

test('a copy that is used keeps nobody alive: it is refused at once, with its owner (S-26, S-43)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const copy = await copied(lab, browser);
  assert.equal(await browser.refusal(copy), 'reuse_detected');
  assert.equal(await browser.refusal(), 'reuse_detected');
  assert.equal((await lab.store.subject('u1')).kept, undefined);
});

test('where the policy asks for a proof instead, a copy is refused and the owner must prove themselves', async () => {
  const lab = new Lab({ policy: { onReuse: 'step-up' } });
  const browser = await lab.signedIn();
  const copy = await copied(lab, browser);
  assert.equal(await browser.refusal(copy), 'reuse_detected');
  assert.equal(await browser.refusal(copy), 'reuse_detected');
  const suspect = await browser.signedIn();
  assert.ok((await lab.store.find(suspect.id))?.suspectAt);
  await suspect.stepUp({ factor: 'password' });
  assert.equal((await lab.store.find(suspect.id))?.suspectAt, undefined);
  await lab.settle();
  const told = (await lab.events()).flatMap(({ type, code: of }) => (of ? [`${type} ${of}`] : [type]));
  assert.deepEqual(told.slice(3), ['reuse_detected', 'stepped_up', 'noticed reuse_detected']);
});

test('a copy’s use is no sign of life', async () => {
  const lab = new Lab({ policy: { onReuse: 'step-up' } });
  const browser = await lab.signedIn();
  const copy = await copied(lab, browser);
  await lab.settle();
  const { lastSeenAt } = (await lab.store.find(idOf(browser))) ?? { lastSeenAt: 0 };
  lab.clock.advance('10m');
  await browser.refusal(copy);
  await lab.settle();
  assert.equal((await lab.store.find(idOf(browser)))?.lastSeenAt, lastSeenAt);
});

test('a copy that meets another write looks again', async () => {
  const between = new Between();
  const lab = new Lab({ policy: { onReuse: 'step-up' }, around: between.around });
  const browser = await lab.signedIn();
  const copy = await copied(lab, browser);
  const other = await browser.signedIn();
  between.before('update', () =>
    other.update((draft) => {
      draft.n = 1;
    }),
  );
  assert.equal(await browser.refusal(copy), 'reuse_detected');
  assert.deepEqual((await browser.signedIn()).data, { n: 1 });
  assert.ok((await lab.store.find(other.id))?.suspectAt);
});

test('a verdict that comes when the session has just ended tells the ending that there is', async () => {
  for (const [outcome, elsewhere] of Object.entries({
    session_terminated: (lab: Lab, id: string) => lab.sessions.terminate(id),
    sign_in_required: (lab: Lab) => lab.sessions.purge('u1'),
  })) {
    const between = new Between();
    const lab = new Lab({ around: between.around });
    const browser = await lab.signedIn();
    const copy = await copied(lab, browser);
    const id = idOf(browser);
    between.before('end', () => elsewhere(lab, id));
    assert.equal(await browser.refusal(copy), outcome);
    await lab.settle();
    const noticed = (await lab.events()).filter(({ type }) => type === 'noticed').map((event) => event.code);
    assert.deepEqual(noticed, outcome === 'session_terminated' ? [outcome] : []);
  }
});

test('a session looked up again is refused for what became of it meanwhile (G17)', async () => {
  const cases: Readonly<Record<string, (lab: Lab, browser: Browser) => unknown>> = {
    session_terminated: (lab) => lab.sessions.terminateAll('u1'),
    sign_in_required: (lab) => lab.sessions.purge('u1'),
    session_expired_idle: (lab) => lab.clock.advance('30m'),
    session_expired_absolute: (lab) => lab.clock.advance('12h'),
    token_replaced: async (_lab, browser) => (await browser.signedIn()).stepUp({ factor: 'totp' }),
  };
  for (const [outcome, meanwhile] of Object.entries(cases)) {
    const lab = new Lab();
    const browser = await lab.signedIn();
    const session = await browser.signedIn();
    await session.assertLive();
    await meanwhile(lab, browser);
    await assert.rejects(session.assertLive(), code(outcome));
  }
});

test('a refusal says to code what it says to people, and names the session', async () => {
  const lab = new Lab();
  const session = await (await lab.signedIn()).signedIn();
  await lab.sessions.terminate(session.id, { reason: 'administrator' });
  await assert.rejects(session.assertLive(), (error) => {
    assert.ok(error instanceof SojournError);
    assert.match(error.message, /not live \(administrator\)\. Send the person to sign in/);
    assert.deepEqual([error.status, error.reason, error.sessionId], [401, 'administrator', session.id]);
    return error.at === lab.clock.now();
  });
});

test('a session that expires when it is looked up again has ended, and its limit is not told twice', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const session = await (await lab.signedIn()).signedIn();
  lab.clock.advance('30m');
  await assert.rejects(session.assertLive(), { at: lab.clock.now(), reason: 'session_expired_idle' });
  await assert.rejects(session.assertLive(), code('session_expired_idle'));
  assert.deepEqual(await lab.told(session.id), ['signed_in', 'expired']);
  const purged = await (await lab.signedIn('u2')).signedIn();
  lab.clock.advance('30m');
  between.before('end', () => lab.store.purge('u2', { operation: 'elsewhere' }));
  await assert.rejects(purged.assertLive(), code('sign_in_required'));
});

test('a request that takes long is a visit at its beginning, not at its end', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  lab.clock.advance('20m');
  const slow = await browser.signedIn();
  lab.clock.advance('25m');
  await slow.assertLive();
  await slow.update((draft) => {
    draft.n = 1;
  });
  assert.equal((await lab.store.find(slow.id))?.lastSeenAt, lab.clock.now() - 25 * 60_000);
  lab.clock.advance('5m');
  await assert.rejects(slow.assertLive(), code('session_expired_idle'));
});

test('a store that answers later is asked the same and answers the same', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  between.before('find', async () => {});
  assert.equal((await browser.signedIn()).subject, 'u1');
  between.before('find', async () => {});
  assert.equal(await browser.refusal(`${idOf(browser)}.${'x'.repeat(43)}`), 'sign_in_required');
});

test('a token given up in one process is given up in every other on the same store', async () => {
  const lab = new Lab();
  const other = new Lab({ around: () => lab.store, clock: lab.clock, random: seededRandom(8) });
  const browser = await lab.signedIn();
  const there = other.browser();
  there.token = browser.token;
  await (await browser.signedIn()).stepUp({ factor: 'totp' });
  assert.equal(await there.refusal(), 'token_replaced');
});

test('a long request is not refused for idleness while the person uses another tab (G6)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const long = await browser.signedIn();
  lab.clock.advance(30 * 60_000 - 100);
  await browser.signedIn();
  lab.clock.advance(200);
  await long.assertLive();
});
