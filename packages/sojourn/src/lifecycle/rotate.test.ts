import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Between } from '../../test/between.ts';
import { type Browser, Lab } from '../../test/lab.ts';
import { retire, standingOf } from './rotate.ts';
import { type Retired, type SessionRecord, stamped } from './session.ts';

/** Uses a browser until its next request is due for a new secret, and no later. */
async function untilDue(lab: Lab, browser: Browser): Promise<void> {
  for (let i = 0; i < 2; i++) {
    lab.clock.advance('25m');
    await browser.signedIn();
    await lab.settle();
  }
  lab.clock.advance('10m');
}

/** A rotation from beginning to end: the new secret has been seen. */
async function rotated(browser: Browser): Promise<void> {
  await (await browser.signedIn()).rotate();
  await browser.signedIn();
}

const record: SessionRecord = stamped(
  {
    id: 'Aid',
    subject: 'u1',
    permissions: [],
    factors: [],
    kind: 'standard',
    idleTimeout: 1000,
    lifetime: 1000,
    secretHash: 'current',
    generation: 4,
    successor: { hash: 'next', sealed: 's', at: 0 },
    retired: [],
    formKey: 'k',
    operation: 'o',
    data: '{}',
  },
  0,
);

test('what a secret is to a session follows from its place and its grace', () => {
  const retired: Retired[] = [
    { hash: 'newest', until: 30 },
    { hash: 'older', until: 20 },
    { hash: 'stepped', until: 0, replaced: true },
    { hash: 'before', until: 25 },
  ];
  const at = (hash: string, now: number): string => standingOf({ ...record, retired }, hash, now).is;
  assert.deepEqual([at('current', 99), at('next', 99), at('nobody', 0)], ['current', 'successor', 'unknown']);
  assert.deepEqual([at('newest', 29), at('newest', 30)], ['grace', 'lost']);
  assert.deepEqual([at('older', 19), at('older', 20)], ['grace', 'reused']);
  assert.deepEqual([at('stepped', 0), at('stepped', 99)], ['replaced', 'replaced']);
  // A step-up ends the grace of what was before it.
  assert.deepEqual([at('before', 24), at('before', 25)], ['replaced', 'reused']);
});

test('the last 16 secrets of rotations and the last 16 of step-ups are remembered, newest first', () => {
  const one = fc.record({ hash: fc.uuid(), until: fc.nat(), replaced: fc.boolean() });
  fc.assert(
    fc.property(fc.array(one, { minLength: 30, maxLength: 60, size: 'max' }), (all) => {
      const newestLast = all.map(({ replaced, ...rest }): Retired => (replaced ? { ...rest, replaced } : rest));
      const kept = newestLast.reduce<readonly Retired[]>((retired, next) => retire(retired, next), []);
      const of = (list: readonly Retired[], replaced: boolean): readonly Retired[] =>
        list.filter((retired) => (retired.replaced === true) === replaced);
      for (const replaced of [true, false]) {
        assert.deepEqual(of(kept, replaced), of(newestLast, replaced).slice(-16).reverse());
      }
    }),
    { numRuns: 200 },
  );
});

test('a secret is due after its hour, and not a millisecond before (R-138)', async () => {
  const lab = new Lab({ policy: { kinds: { standard: { idle: '2h' } } } });
  const browser = await lab.signedIn();
  const first = browser.token;
  lab.clock.advance(3_600_000 - 1);
  await browser.signedIn();
  assert.equal(browser.token, first);
  lab.clock.advance(1);
  const session = await browser.signedIn();
  assert.notEqual(browser.token, first);
  assert.equal(session.id, first?.split('.')[0]);
});

test('a remembered session rotates at the first request after half an hour away', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { remember: true });
  await rotated(browser);
  const count = browser.handed.length;
  lab.clock.advance(30 * 60_000 - 1);
  await browser.signedIn({ readOnly: true });
  assert.equal(browser.handed.length, count);
  await browser.signedIn();
  assert.equal(browser.handed.length, count);
  await lab.settle();
  lab.clock.advance(30 * 60_000 - 1000);
  await browser.signedIn();
  assert.equal(browser.handed.length, count + 1);
});

test('visitors keep their secret', async () => {
  const lab = new Lab();
  const browser = lab.browser();
  await (await browser.visit()).update((draft) => {
    draft.n = 1;
  });
  for (let i = 0; i < 4; i++) {
    lab.clock.advance('25m');
    assert.equal((await browser.visit()).state, 'anonymous');
    await lab.settle();
  }
  assert.equal(browser.handed.length, 1);
});

test('a request that can set nothing is handed nothing, and waits for one that can', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  const writes = between.count('update');
  await browser.signedIn({ readOnly: true });
  assert.equal(between.count('update'), writes);
  await browser.signedIn({ lost: true });
  await browser.signedIn({ readOnly: true });
  assert.equal(browser.handed.length, 2);
  // Where the new secret itself comes on such a request, it takes over.
  const next = browser.handed.at(-1) ?? null;
  await browser.signedIn({ token: next, readOnly: true });
  assert.equal((await lab.told(next?.split('.')[0] ?? '')).filter((type) => type === 'rotated').length, 1);
});

test('a successor offered twenty times and never seen is noticed once (S-43)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  const unseen = async (): Promise<number> => {
    await lab.settle();
    return (await lab.events()).filter((event) => event.code === 'rotation_unseen').length;
  };
  for (let i = 0; i < 20; i++) await browser.signedIn({ lost: true });
  assert.equal(await unseen(), 0);
  await browser.signedIn({ lost: true });
  assert.equal(await unseen(), 1);
  for (let i = 0; i < 5; i++) await browser.signedIn({ lost: true });
  assert.equal(await unseen(), 1);
  assert.equal(new Set(browser.handed.slice(1)).size, 1);
});

test('a successor that was seen does not count for the next', async () => {
  const lab = new Lab({ policy: { kinds: { standard: { idle: '2h' } } } });
  const browser = await lab.signedIn();
  for (let round = 0; round < 2; round++) {
    lab.clock.advance('1h');
    for (let i = 0; i < 12; i++) await browser.signedIn({ lost: true });
    await browser.signedIn();
    await browser.signedIn();
  }
  await lab.settle();
  assert.equal((await lab.events()).filter((event) => event.code === 'rotation_unseen').length, 0);
});

test('a rotation that another request overtakes hands out what that one wrote', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  await untilDue(lab, browser);
  const old = browser.token;
  const other = browser.copy();
  between.before('update', () => other.signedIn());
  await browser.signedIn();
  assert.equal(browser.token, other.token);
  // The same for the first sight of the new secret.
  between.before('update', () => other.signedIn());
  await browser.signedIn();
  assert.equal(await browser.refusal(old), null);
  assert.equal((await lab.told(old?.split('.')[0] ?? '')).filter((type) => type === 'rotated').length, 1);
});

test('a handler may rotate: once an answer, and only what the client does not have yet', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const fresh = await lab.browser().visit();
  await fresh.signIn('u2', { checkedAt: lab.clock.now() + 1 });
  assert.ok(fresh.state === 'signed-in');
  const updates = between.count('update');
  await fresh.rotate();
  assert.equal(between.count('update'), updates);
  const old = browser.token;
  const session = await browser.signedIn({ lost: true });
  const handed = browser.handed.length;
  await session.rotate();
  assert.equal(browser.handed.length, handed + 1);
  await session.rotate();
  assert.equal(new Set(browser.handed.slice(-2)).size, 1);
  // Another answer carries the same one, and a request in its grace none.
  const again = await browser.signedIn({ token: old });
  await again.rotate();
  assert.equal(browser.token, browser.handed.at(-3));
  await browser.signedIn();
  const count = browser.handed.length;
  await (await browser.signedIn({ token: old })).rotate();
  assert.equal(browser.handed.length, count);
});

test('a handler’s rotation keeps what another request wrote meanwhile', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const other = await browser.signedIn();
  const session = await browser.signedIn();
  between.before('update', () =>
    other.update((draft) => {
      draft.n = 1;
    }),
  );
  await session.rotate();
  assert.deepEqual((await browser.signedIn()).data, { n: 1 });
});

test('two rotations within one grace sign out no request of either (S-43)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const first = browser.token;
  await rotated(browser);
  const second = browser.token;
  await rotated(browser);
  for (const token of [first, second, browser.token]) assert.equal(await browser.refusal(token), null);
  await (await browser.signedIn({ token: first })).assertLive();
  assert.equal((await lab.store.find(first?.split('.')[0] ?? ''))?.generation, 3);
  lab.clock.advance('30s');
  assert.equal(await browser.refusal(), null);
  assert.equal(await browser.refusal(second), 'rotation_lost');
});

test('of several tokens that came at once a former one is refused, and nothing follows from it (S-04)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const tokens = [browser.token];
  for (let i = 0; i < 2; i++) {
    await rotated(browser);
    tokens.push(browser.token);
  }
  lab.clock.advance('1m');
  const tentative = async (token: string | null = null): Promise<string> => {
    const session = await lab.sessions.track(token, { tentative: true });
    return session.state === 'none' ? `refused: ${session.refused?.code}` : session.state;
  };
  const [reused, lost, current] = tokens;
  assert.equal(await tentative(reused), 'refused: reuse_detected');
  assert.equal(await tentative(lost), 'refused: reuse_detected');
  assert.equal(await tentative(current), 'signed-in');
  // By itself it means what it means.
  assert.equal(await browser.refusal(reused), 'reuse_detected');
});

test('a record or a dump opens nothing: a sealed successor needs the present secret (S-49)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await browser.signedIn({ lost: true });
  await session.rotate();
  const kept = await lab.store.find(session.id);
  const next = browser.handed.at(-1)?.split('.')[1] ?? '';
  assert.ok(kept?.successor);
  assert.notEqual(kept.successor.sealed, next);
  for (const value of [kept.successor.sealed, kept.successor.hash, kept.secretHash]) {
    assert.equal(await browser.refusal(`${session.id}.${value}`), 'sign_in_required');
  }
});

test('a slow upload is not refused because another tab rotated meanwhile (G13, G17)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const upload = await browser.signedIn();
  await rotated(browser);
  lab.clock.advance('31s');
  await upload.assertLive();
});

test('offers of a successor that a step-up made void do not count for the next', async () => {
  const lab = new Lab({ policy: { kinds: { standard: { idle: '2h' } } } });
  const browser = await lab.signedIn();
  for (let round = 0; round < 2; round++) {
    lab.clock.advance('1h');
    for (let i = 0; i < 12; i++) await browser.signedIn({ lost: true });
    if (round === 0) await (await browser.signedIn()).stepUp({ factor: 'totp' });
  }
  await lab.settle();
  assert.equal((await lab.events()).filter((event) => event.code === 'rotation_unseen').length, 0);
});
