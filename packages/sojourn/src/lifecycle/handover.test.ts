import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { type Browser, code, type Data, Lab } from '../../test/lab.ts';
import { seededRandom } from '../testing/random.ts';
import { handOver, parseData } from './data.ts';
import { checkPolicy, type Handover } from './policy.ts';

/** A visitor with a record. */
async function visitor(lab: Lab, data: Partial<Data>): Promise<Browser> {
  const browser = lab.browser();
  await (await browser.visit()).update((draft) => {
    Object.assign(draft, data);
  });
  return browser;
}

async function signIn(lab: Lab, browser: Browser, subject = 'u1'): Promise<void> {
  await (await browser.visit()).signIn(subject, { checkedAt: lab.clock.now() + 1 });
}

/** Ends a session as lost, so that its data waits with the subject. */
async function lose(lab: Lab, subject: string, data: Partial<Data>): Promise<void> {
  const browser = await lab.signedIn(subject);
  const session = await browser.signedIn();
  await session.update((draft) => {
    Object.assign(draft, data);
  });
  const stale = browser.copy();
  await session.rotate();
  await browser.signedIn();
  lab.clock.advance('30s');
  assert.equal(await stale.refusal(), 'rotation_lost');
}

function handedOver(handover: Record<string, Handover>, visitors: object, own: object): unknown {
  const text = handOver(checkPolicy({ handover }), JSON.stringify(visitors), JSON.stringify(own), 'Aid');
  return parseData(text, 'Aid');
}

test('at sign-in only what the policy names crosses (R-231, S-12)', () => {
  const visitors = { cart: ['v'], theme: 'dark', role: 'admin', next: '/x' };
  assert.deepEqual(handedOver({}, visitors, { cart: ['o'] }), { cart: ['o'] });
  assert.deepEqual(handedOver({ theme: 'keep', next: 'drop' }, visitors, {}), { theme: 'dark' });
  // A name that a visitor’s data does not have itself is not looked for elsewhere.
  const [keep, merge]: Handover[] = ['keep', 'merge'];
  assert.ok(keep && merge);
  assert.deepEqual(handedOver({ toString: keep, valueOf: merge }, visitors, {}), {});
});

test('keep takes the visitor’s; merge joins lists and objects, and the subject’s own goes first', () => {
  assert.deepEqual(handedOver({ a: 'keep' }, { a: 1 }, { a: 2 }), { a: 1 });
  assert.deepEqual(handedOver({ a: 'merge' }, { a: ['v'] }, { a: ['o'] }), { a: ['o', 'v'] });
  assert.deepEqual(handedOver({ a: 'merge' }, { a: { x: 'v', y: 'v' } }, { a: { x: 'o' } }), { a: { x: 'o', y: 'v' } });
  assert.deepEqual(handedOver({ a: 'merge' }, { a: ['v'] }, {}), { a: ['v'] });
  for (const [theirs, own] of [
    [1, 2],
    [['v'], { o: 1 }],
    [{ v: 1 }, ['o']],
    [{ v: 1 }, null],
    [null, { o: 1 }],
    ['v', ['o']],
  ]) {
    assert.deepEqual(handedOver({ a: 'merge' }, { a: theirs }, { a: own }), { a: own });
  }
});

test('a function decides for its key, and undefined leaves what there is', () => {
  const larger: Handover = (visitors, own) => Math.max(Number(visitors), Number(own ?? 0));
  assert.deepEqual(handedOver({ a: larger }, { a: 3 }, { a: 2 }), { a: 3 });
  assert.deepEqual(handedOver({ a: larger }, { a: 3 }, {}), { a: 3 });
  assert.deepEqual(handedOver({ a: () => undefined }, { a: 3 }, { a: 2 }), { a: 2 });
  assert.throws(() => handedOver({ a: () => new Date() }, { a: 1 }, {}), code('data_not_serialisable'));
});

test('a merge of hostile keys makes no prototype (R-084)', () => {
  const policy = checkPolicy({ handover: { prefs: 'merge' } });
  const merged = parseData(
    handOver(policy, '{"prefs":{"__proto__":{"admin":true}}}', '{"prefs":{"a":1}}', 'Aid'),
    'Aid',
  );
  assert.equal(Reflect.get(Object(merged['prefs']), 'admin'), undefined);
  assert.equal(Reflect.get({}, 'admin'), undefined);
});

test('what a visitor wrote stays behind but for what the policy names (R-231, S-12)', async () => {
  const lab = new Lab({ policy: { handover: { cart: 'merge' } } });
  const browser = await visitor(lab, { cart: ['mine'], draft: 'planted' });
  await signIn(lab, browser);
  assert.deepEqual((await browser.signedIn()).data, { cart: ['mine'] });
});

test('kept data that appears while signing in is handed over after all (G13)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const lost = await (await lab.signedIn('u1')).signedIn();
  await lost.update((draft) => {
    draft.cart = ['kept'];
  });
  const session = await lab.browser().visit();
  const end = { reason: 'rotation_lost', by: 'system', keepData: true, operation: 'elsewhere' } as const;
  between.before('create', () => lab.store.end(lost.id, end));
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  assert.deepEqual(session.data, { cart: ['kept'] });
});

test('a visitor’s data joins what was kept, and too much of it is left behind and noticed', async () => {
  const lab = new Lab({ policy: { dataBytes: 60, handover: { cart: 'merge' } } });
  await lose(lab, 'u1', { cart: ['kept'] });
  const small = await visitor(lab, { cart: ['new'] });
  await signIn(lab, small);
  assert.deepEqual((await small.signedIn()).data, { cart: ['kept', 'new'] });
  await lose(lab, 'u2', { cart: ['kept'] });
  const large = await visitor(lab, { cart: ['x'.repeat(60)] });
  const { id } = await large.visit();
  await signIn(lab, large, 'u2');
  assert.deepEqual((await large.signedIn()).data, { cart: ['kept'] });
  await lab.settle();
  assert.equal(
    (await lab.events()).find(({ sessionId, type }) => sessionId === id && type === 'noticed')?.code,
    'data_too_large',
  );
});

test('a handover that fails in the application’s own function fails the sign-in and ends nothing', async () => {
  const next = (): never => {
    throw new RangeError('no');
  };
  const lab = new Lab({ policy: { handover: { n: next, draft: () => new Date(0) } } });
  const browser = await visitor(lab, { n: 1 });
  await assert.rejects(signIn(lab, browser), RangeError);
  const other = await visitor(lab, { draft: 'x' });
  await assert.rejects(signIn(lab, other), code('data_not_serialisable'));
  for (const { state } of [await browser.visit(), await other.visit()]) assert.equal(state, 'anonymous');
});

test('data kept for a subject is gone with the limit of the session it came from', async () => {
  const lab = new Lab();
  await lose(lab, 'u1', { cart: ['kept'] });
  lab.clock.advance('12h');
  assert.deepEqual((await (await lab.signedIn('u1')).signedIn()).data, {});
});

test('data kept for the next sign-in is not lost to a sign-in that has its own (G13)', async () => {
  const lab = new Lab();
  const other = await lab.signedIn('u1');
  await lose(lab, 'u1', { cart: ['kept'] });
  await signIn(lab, other);
  const next = await lab.signedIn('u1');
  const carts = [(await other.signedIn()).data.cart, (await next.signedIn()).data.cart];
  assert.deepEqual(carts.flat().filter(Boolean), ['kept']);
});

test('kept data over a limit that has shrunk does not lock its subject out', async () => {
  const lab = new Lab();
  await lose(lab, 'u1', { draft: 'x'.repeat(2000) });
  const policy = { dataBytes: 1000, handover: { cart: 'merge' } } as const;
  const after = new Lab({ policy, around: () => lab.store, clock: lab.clock, random: seededRandom(8) });
  await signIn(after, await visitor(after, { cart: ['a'] }));
});
