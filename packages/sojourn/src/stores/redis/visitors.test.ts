import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visitors } from './visitors.ts';

function bench(stored = 0) {
  const engine = { stored, elapsed: 0, fails: false, asked: 0 };
  const visitors = new Visitors({
    elapsed: () => engine.elapsed,
    async count() {
      engine.asked += 1;
      if (engine.fails) throw new Error('gone');
      return engine.stored;
    },
  });
  return { engine, visitors };
}

test('a count that could not be read is asked for again at once', async () => {
  const { engine, visitors } = bench(3);
  engine.fails = true;
  await assert.rejects(visitors.reserve('a', 10));
  engine.fails = false;
  assert.equal(await visitors.reserve('a', 10), 3);
});

test('many ask once, and each is counted for the next', async () => {
  const { engine, visitors } = bench(3);
  const counts = await Promise.all(['a', 'b', 'c', 'd'].map((id) => visitors.reserve(id, 5)));
  assert.deepEqual(counts, [3, 4, 5, 5]);
  assert.equal(engine.asked, 1);
});

test('who decides again is counted once', async () => {
  const { visitors } = bench(3);
  await visitors.reserve('a', 10);
  assert.equal(await visitors.reserve('a', 10), 3);
});

test('what is on its way when the count is read anew is not forgotten', async () => {
  const { engine, visitors } = bench(3);
  await visitors.reserve('a', 10);
  engine.elapsed = 1001;
  assert.equal(await visitors.reserve('b', 10), 4);
  visitors.settled(['a'], 1);
  assert.equal(await visitors.reserve('c', 10), 5);
  assert.equal(engine.asked, 2);
});

test('what was refused, or has ended, makes room', async () => {
  const { visitors } = bench(3);
  await visitors.reserve('a', 10);
  visitors.settled(['a'], 0);
  assert.equal(await visitors.reserve('b', 10), 3);
  visitors.settled([], -1);
  assert.equal(await visitors.reserve('c', 10), 3);
});

test('what is never heard of again makes room after a while', async () => {
  const { engine, visitors } = bench(3);
  await visitors.reserve('a', 10);
  engine.elapsed = 10_001;
  assert.equal(await visitors.reserve('b', 10), 3);
});
