import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Between, settled } from '../../test/between.ts';
import { code, Lab } from '../../test/lab.ts';
import { type Data, serialise } from './data.ts';
import { SojournError } from './errors.ts';

/** What a value must read back as: itself, without keys that were set to undefined. */
function kept(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kept);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, kept(inner)]));
}

test('however many requests write to one session at once, each is written, and none over another’s (G4)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const sessions = await Promise.all(Array.from({ length: 150 }, () => browser.signedIn()));
  between.calls.length = 0;
  const writes = sessions.map((session) =>
    session.update((draft) => {
      draft.n = (draft.n ?? 0) + 1;
    }),
  );
  await Promise.all(writes);
  assert.equal((await browser.signedIn()).data.n, 150);
  // Once each, and where that met another’s, once more in turn.
  assert.ok(between.calls.filter((name) => name === 'update').length <= 300);
});

test('whatever an update accepts reads back the same, and what it refuses leaves the data as it was (R-041)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withObjectString: true,
  });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(anything, async (value) => {
      const before = (await browser.signedIn()).data;
      try {
        const session = await browser.signedIn();
        await session.update((draft) => {
          Object.assign(draft, { value });
        });
      } catch (error) {
        assert.ok(error instanceof SojournError && error.code === 'data_not_serialisable');
        assert.deepEqual((await browser.signedIn()).data, before);
        return;
      }
      accepted += 1;
      assert.deepEqual((await browser.signedIn()).data, kept({ value }));
    }),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 0);
});

test('JSON of any client stays data: a key named __proto__ changes no object (R-084)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const body: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}');
  await (await browser.signedIn()).update((draft) => {
    Object.assign(draft, { body });
  });
  const { data } = await browser.signedIn();
  assert.equal(JSON.stringify(data), JSON.stringify({ body }));
  assert.equal(Reflect.get(data, 'admin'), undefined);
  assert.equal(Reflect.get({}, 'admin'), undefined);
});

test('what JSON would change without a word is refused with the place of it', () => {
  class Cart {}
  const circle: Data = {};
  circle['self'] = { circle };
  const holes = Array<number>(3);
  const cases: readonly (readonly [Data, RegExp])[] = [
    [{ at: new Date(0) }, /^data\.at is .*, which JSON cannot hold/],
    [{ a: [{ m: new Map() }] }, /^data\.a\.0\.m is /],
    [{ s: new Set() }, /^data\.s is /],
    [{ c: new Cart() }, /^data\.c is /],
    [{ b: Buffer.from('x') }, /^data\.b is /],
    [{ a: { n: Number.NaN } }, /^data\.a\.n is /],
    [{ n: Number.NEGATIVE_INFINITY }, /^data\.n is /],
    [{ n: -0 }, /^data\.n is /],
    [{ f: () => 1 }, /^data\.f is a function/],
    [{ s: Symbol('x') }, /^data\.s is a symbol/],
    [{ b: 1n }, /^data\.b is a bigint/],
    [{ a: [1, undefined] }, /^data\.a\.1 is a undefined/],
    [{ a: holes }, /^data\.a is /],
    [{ o: { [Symbol('x')]: 1 } }, /^data\.o is /],
    [{ list: Object.assign(['a'], { total: 1 }) }, /^data\.list is /],
    [{ o: Object.create(Object.create(null)) }, /^data\.o is /],
    [circle, /^data\.self\.circle\.self\.circle.* is nested too deep/],
  ];
  for (const [data, expected] of cases) {
    assert.throws(() => serialise(data, 1000), code('data_not_serialisable'));
    assert.throws(() => serialise(data, 1000), { message: expected });
  }
});

test('data is a hundred levels deep and no deeper, however little it is (S-16)', () => {
  const nested = (levels: number): Data => ({ a: JSON.parse('['.repeat(levels) + ']'.repeat(levels)) });
  assert.equal(serialise(nested(100), 1000).length, 206);
  for (const levels of [101, 8000])
    assert.throws(() => serialise(nested(levels), 16_384), code('data_not_serialisable'));
});

test('the same object twice is no circle, and an object without a prototype is plain', () => {
  const item = { id: 1 };
  assert.equal(serialise({ a: item, b: [item, item] }, 1000), '{"a":{"id":1},"b":[{"id":1},{"id":1}]}');
  const bare: unknown = Object.assign(Object.create(null), { id: 1 });
  assert.equal(serialise({ bare }, 1000), '{"bare":{"id":1}}');
});

test('the limit counts bytes, not characters, and is met exactly (R-042, S-16)', () => {
  const text = serialise({ a: 'é€😀' }, 1000);
  const bytes = Buffer.byteLength(text);
  assert.ok(bytes > text.length);
  assert.equal(serialise({ a: 'é€😀' }, bytes), text);
  assert.throws(() => serialise({ a: 'é€😀' }, bytes - 1), {
    code: 'data_too_large',
    message: new RegExp(`would be ${bytes} bytes, over ${bytes - 1}`),
  });
  assert.throws(() => serialise({ a: 'x'.repeat(100) }, 20), code('data_too_large'));
});

test('a visitor’s data is bounded closer than a user’s (S-16)', async () => {
  const lab = new Lab({ policy: { anonymousDataBytes: 100, dataBytes: 200 } });
  const write = async (signedIn: boolean, bytes: number): Promise<void> => {
    const session = await (signedIn ? await lab.signedIn() : lab.browser()).visit();
    await session.update((draft) => {
      draft.draft = 'x'.repeat(bytes - '{"draft":""}'.length);
    });
  };
  await write(false, 100);
  await assert.rejects(write(false, 101), code('data_too_large'));
  await write(true, 200);
  await assert.rejects(write(true, 201), code('data_too_large'));
});

test('a change is replayed on top of what others wrote meanwhile (R-041, S-44)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const other = await browser.signedIn();
  const session = await browser.signedIn();
  between.before('update', () =>
    other.update((theirs) => {
      theirs.n = 1;
    }),
  );
  let replays = 0;
  await session.update((draft) => {
    replays += 1;
    draft.draft = `beside ${draft.n ?? 'nothing'}`;
  });
  assert.equal(replays, 2);
  assert.deepEqual((await browser.signedIn()).data, { n: 1, draft: 'beside 1' });
  assert.deepEqual(session.data, { n: 1, draft: 'beside 1' });
});

test('a change that others overtake a hundred times gives up and says so', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const browser = await lab.signedIn();
  const other = await browser.signedIn();
  const session = await browser.signedIn();
  let replays = 0;
  const overtaken = session.update((draft) => {
    replays += 1;
    draft.draft = 'never';
    between.before('update', () =>
      other.update((theirs) => {
        theirs.n = replays;
      }),
    );
  });
  await assert.rejects(overtaken, code('conflict'));
  assert.equal(replays, 101);
  assert.deepEqual((await browser.signedIn()).data, { n: 101 });
});

test('a change that waits for something is refused, for it may be run again, and its failure is nobody’s', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  // As JavaScript would call it.
  const call = (change: () => Promise<void>): Promise<unknown> => Reflect.apply(session.update, session, [change]);
  await assert.rejects(
    call(async () => {}),
    /update: .*the function must not be async/,
  );
  await assert.rejects(
    call(() => Promise.reject(new RangeError('late'))),
    code('state_invalid'),
  );
  await settled();
  assert.deepEqual(session.data, {});
});

test('a change that changes nothing writes nothing', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const session = await (await lab.signedIn()).signedIn();
  await session.update((draft) => {
    draft.n = 1;
  });
  assert.equal(between.count('update'), 1);
  await session.update((draft) => {
    draft.n = 1;
  });
  await session.update(() => {});
  assert.equal(between.count('update'), 1);
});

test('a change that throws is not written and passes its error on', async () => {
  const lab = new Lab();
  const session = await (await lab.signedIn()).signedIn();
  const failing = session.update((draft) => {
    draft.n = 1;
    throw new RangeError('out of stock');
  });
  await assert.rejects(failing, RangeError);
  await session.assertLive();
  assert.deepEqual(session.data, {});
});

test('an update that changes nothing is refused all the same once the session has ended (G17)', async () => {
  const lab = new Lab();
  const session = await (await lab.signedIn()).signedIn();
  await lab.sessions.terminateAll('u1');
  await assert.rejects(
    session.update(() => {}),
    code('session_terminated'),
  );
});

test('data in the store that cannot be read is an outage with the session’s id, never an empty session (G8)', async () => {
  for (const broken of ['{broken', 'null', '[]', '7']) {
    const lab = new Lab();
    const browser = await lab.signedIn();
    const { id } = await browser.signedIn();
    await lab.store.update(id, 1, { data: broken }, { operation: 'elsewhere', seenAt: 0, events: [] });
    const session = await browser.signedIn();
    const unreadable = (error: unknown): boolean =>
      error instanceof SojournError && error.code === 'store_unavailable' && error.sessionId === id;
    assert.throws(() => session.data, unreadable);
    await assert.rejects(
      session.update((draft) => {
        draft.n = 1;
      }),
      unreadable,
    );
  }
});
