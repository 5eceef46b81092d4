import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Browser, Lab } from '../test/lab.ts';
import { seededRandom } from './testing/random.ts';

const minute = 60_000;
const device = { label: 'Firefox on Linux', userAgent: 'Mozilla/5.0', address: '192.0.2.0/24', addedAt: 5 };

function idOf(browser: Browser): string {
  return browser.token?.split('.')[0] ?? '';
}

test('a device is listed with what a person may know about it', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { permissions: ['read'], device });
  const { live, ended } = await lab.sessions.list('u1');
  const now = lab.clock.now();
  assert.deepEqual(live, [
    {
      id: idOf(browser),
      subject: 'u1',
      kind: 'standard',
      permissions: ['read'],
      factors: [{ method: 'password', at: now }],
      createdAt: now,
      signedInAt: now,
      lastSeenAt: now,
      lastSeenPrecision: minute,
      idleUntil: now + 30 * minute,
      expiresAt: now + 720 * minute,
      device,
      actor: null,
      ending: null,
    },
  ]);
  assert.deepEqual(ended, []);
});

test('no list, no summary and no event holds a secret, a hash or the data (G15, R-123)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn({ lost: true });
  await session.update((draft) => {
    draft.draft = 'for nobody’s eyes';
  });
  await session.rotate();
  const record = await lab.store.find(session.id);
  const shown = JSON.stringify([
    await lab.sessions.list('u1'),
    await lab.sessions.find(session.id),
    await lab.events(),
  ]);
  const hidden = [record?.secretHash, record?.successor?.hash, record?.successor?.sealed, record?.formKey, 'nobody’s'];
  for (const text of [...hidden, ...browser.handed.map((token) => token.split('.')[1])]) {
    assert.ok(text && !shown.includes(text));
  }
});

test('live sessions stand newest first, and only the subject’s own (R-147, S-36)', async () => {
  const lab = new Lab();
  const browsers: Browser[] = [];
  for (const subject of ['u1', 'u2', 'u1']) {
    browsers.push(await lab.signedIn(subject));
    lab.clock.advance('1m');
  }
  const [first, , third] = browsers;
  assert.ok(first && third);
  assert.deepEqual(
    (await lab.sessions.list('u1')).live.map(({ id }) => id),
    [idOf(third), idOf(first)],
  );
  assert.deepEqual(await lab.sessions.list('nobody'), { live: [], ended: [] });
});

test('what is dead by the clock is not shown as live, swept or not', async () => {
  const lab = new Lab();
  await lab.signedIn();
  lab.clock.advance(30 * minute - 1);
  assert.equal((await lab.sessions.list('u1')).live.length, 1);
  lab.clock.advance(1);
  assert.deepEqual(await lab.sessions.list('u1'), { live: [], ended: [] });
  await lab.sessions.sweep();
  const { live, ended } = await lab.sessions.list('u1');
  assert.deepEqual([live.length, ended[0]?.reason], [0, 'session_expired_idle']);
});

test('nor is what a shorter policy has ended, and its limits are shown as they hold', async () => {
  const lab = new Lab({ policy: { kinds: { kiosk: {} } } });
  const browser = await lab.signedIn('u1');
  const kiosk = await lab.signedIn('u1', { kind: 'kiosk' });
  const policy = { kinds: { standard: { idle: '10m', absolute: '1h' } } } as const;
  const strict = new Lab({ policy, around: () => lab.store, clock: lab.clock, random: seededRandom(8) });
  const [only, ...others] = (await strict.sessions.list('u1')).live;
  assert.deepEqual([only?.id, others], [idOf(browser), []]);
  assert.equal(only?.expiresAt, lab.clock.now() + 60 * minute);
  assert.equal(only?.lastSeenPrecision, 20_000);
  // A kind that is no more has no lifetime.
  const summary = await strict.sessions.find(idOf(kiosk));
  assert.deepEqual([summary?.expiresAt, summary?.lastSeenPrecision], [summary?.createdAt, 0]);
  lab.clock.advance('10m');
  assert.deepEqual((await strict.sessions.list('u1')).live, []);
});

test('ended sessions are told for 28 days with why, when, by whom and on which device', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { device });
  const createdAt = lab.clock.now();
  lab.clock.advance('5m');
  await lab.sessions.terminate(idOf(browser), { reason: 'administrator', by: 'root' });
  const endedAt = lab.clock.now();
  assert.deepEqual((await lab.sessions.list('u1')).ended, [
    {
      id: idOf(browser),
      kind: 'standard',
      reason: 'administrator',
      by: 'root',
      actor: null,
      endedAt,
      createdAt,
      lastSeenAt: createdAt,
      device,
    },
  ]);
  lab.clock.advance('28d');
  assert.equal((await lab.sessions.list('u1')).ended.length, 1);
  lab.clock.advance(1);
  assert.equal((await lab.sessions.list('u1')).ended.length, 0);
});

test('who never told a device is listed without one', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  assert.equal((await lab.sessions.list('u1')).live[0]?.device, null);
  await lab.sessions.terminate(idOf(browser));
  assert.equal((await lab.sessions.list('u1')).ended[0]?.device, null);
});

test('one session is found by its public id, live or ended, and by nothing else (S-36)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const id = idOf(browser);
  assert.equal((await lab.sessions.find(id))?.ending, null);
  await lab.sessions.terminate(id);
  const ended = await lab.sessions.find(id);
  assert.deepEqual(ended?.ending, { reason: 'revoked', at: lab.clock.now(), by: 'system' });
  assert.deepEqual(ended?.permissions, []);
  for (const text of [browser.token ?? '', '', 'Aunknown', 'constructor']) {
    assert.equal(await lab.sessions.find(text), null);
  }
});

test('a visitor is found without a subject and listed under nobody', async () => {
  const lab = new Lab();
  const session = await lab.browser().visit();
  await session.update((draft) => {
    draft.n = 1;
  });
  const summary = await lab.sessions.find(session.id ?? '');
  assert.deepEqual([summary?.subject, summary?.kind, summary?.signedInAt], [null, 'anonymous', null]);
});

test('an event without its details, as a purge leaves it, lists without them or not at all', async () => {
  const lab = new Lab();
  await lab.sessions.terminate(idOf(await lab.signedIn('u1', { device })));
  await lab.sessions.purge('u1');
  assert.deepEqual(await lab.sessions.list('u1'), { live: [], ended: [] });
});
