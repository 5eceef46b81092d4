import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Between, settled } from '../../test/between.ts';
import { code } from '../../test/lab.ts';
import { created, creating, newSession, operation, writing } from '../stores/contract/subject.ts';
import { memory } from '../stores/memory.ts';
import { TestClock } from '../testing/clock.ts';
import { withDeadline } from './deadline.ts';
import { SojournError } from './errors.ts';
import type { Store } from './ports.ts';

interface Bench {
  readonly clock: TestClock;
  readonly between: Between;
  /** What sessions would call. */
  readonly store: Store;
}

function bench(): Bench {
  const clock = new TestClock();
  const between = new Between();
  return { clock, between, store: withDeadline(between.around(memory({ now: clock.now })), clock, 2000) };
}

/** Every call of the port that may fail. */
const calls: Readonly<Record<string, (store: Store) => unknown>> = {
  find: (store) => store.find('Aid'),
  subject: (store) => store.subject('u1'),
  list: (store) => store.list('u1'),
  page: (store) => store.page(null, 10),
  events: (store) => store.events(null, 10),
  cursor: (store) => store.cursor(),
  beat: (store) => store.beat(null),
  create: (store) => store.create(newSession('u1'), creating()),
  update: (store) => store.update('Aid', 1, {}, writing()),
  touch: (store) => store.touch([]),
  end: (store) => store.end('Aid', { reason: 'revoked', by: 'x', operation: operation() }),
  endAll: (store) => store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() }),
  enable: (store) => store.enable('u1', { operation: operation() }),
  setPermissions: (store) => store.setPermissions('u1', [], { operation: operation() }),
  sweep: (store) => store.sweep(10),
  purge: (store) => store.purge('u1', { operation: operation() }),
  subjects: (store) => store.subjects(null, 10),
  adopt: (store) => store.adopt([], [], { operation: operation() }),
  note: (store) => store.note([]),
};

test('an engine’s failure tells what went wrong, not what was in the command or in the row (G15)', async () => {
  const { store, between } = bench();
  const failed = Object.assign(new Error('OOM command not allowed', { cause: new Error('out of memory') }), {
    code: 'OOM',
    command: { name: 'EVALSHA', args: ['{"formKey":"secret"}'] },
    detail: 'Failing row contains (secret).',
  });
  between.answering('create', () => Promise.reject(failed));
  await assert.rejects(Promise.resolve(store.create(newSession('u1'), creating())), (error) => {
    assert.ok(error instanceof SojournError && error.cause instanceof Error);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /secret/);
    const { message, cause } = error.cause;
    assert.deepEqual([message, cause, Reflect.get(error.cause, 'code')], [failed.message, failed.cause, 'OOM']);
    return true;
  });
});

test('what a store answers at once is answered at once, and what later, later', async () => {
  const { store, clock } = bench();
  assert.equal(store.name, 'memory');
  assert.equal(store.now(), clock.now());
  const record = await created(store, 'u1');
  assert.deepEqual(store.find(record.id), record);
  assert.ok(store.create(newSession('u1'), creating()) instanceof Promise);
});

test('every call that never answers is unknown after the deadline, and not before (G8, R-073)', async () => {
  for (const [name, run] of Object.entries(calls)) {
    const { store, between, clock } = bench();
    between.hanging = () => true;
    const failures: unknown[] = [];
    const done = Promise.resolve(run(store)).catch((error: unknown) => failures.push(error));
    clock.advance(1999);
    await settled();
    assert.equal(failures.length, 0, name);
    clock.advance(1);
    await done;
    const [failure] = failures;
    assert.ok(failure instanceof SojournError && failure.code === 'store_unavailable', name);
    assert.equal(failure.message, `memory.${name}: no answer within 2000 ms.`);
  }
});

test('every call that fails is unknown, with the engine’s own error as the cause (G8)', async () => {
  for (const [name, run] of Object.entries(calls)) {
    const { store, between } = bench();
    between.failing = () => true;
    await assert.rejects(
      async () => run(store),
      (error) => {
        assert.ok(error instanceof SojournError && error.code === 'store_unavailable', name);
        assert.equal(error.message, `memory.${name}: the engine failed.`);
        assert.ok(error.cause instanceof Error && error.cause.message === 'ECONNREFUSED');
        return true;
      },
    );
  }
});

test('an error that is already in our words stays as it is', () => {
  const { store, between } = bench();
  const unusable = new SojournError('store_unusable', 'The file is not a database.');
  between.before('find', () => {
    throw unusable;
  });
  assert.throws(
    () => store.find('Aid'),
    (error) => error === unusable,
  );
});

test('a client that fails later, or throws what is no error, is unknown too', async () => {
  const { store, between } = bench();
  between.before('find', () => Promise.reject(new Error('ECONNRESET')));
  await assert.rejects(async () => store.find('Aid'), {
    code: 'store_unavailable',
    message: 'memory.find: the engine failed.',
    cause: new Error('ECONNRESET'),
  });
  between.before('find', () => Promise.reject('socket closed'));
  await assert.rejects(async () => store.find('Aid'), { cause: 'socket closed' });
});

test('an answer after the deadline is not heard, also when it is a failure', async () => {
  for (const late of ['answer', 'failure']) {
    const { store, between, clock } = bench();
    let release = (): void => {};
    between.before('find', () => {
      const held = new Promise<void>((resolve, reject) => {
        release = () => (late === 'answer' ? resolve() : reject(new Error('late')));
      });
      return held;
    });
    const found = Promise.resolve(store.find('Aid'));
    const refused = assert.rejects(found, code('store_unavailable'));
    clock.advance(2000);
    await refused;
    release();
    await settled();
    await assert.rejects(found, /no answer within/);
  }
});

/** Every write that would change what somebody was told nobody knows. */
const lateWrites: readonly (keyof Store)[] = [
  'create',
  'update',
  'end',
  'endAll',
  'enable',
  'setPermissions',
  'sweep',
  'purge',
  'adopt',
  'note',
];

test('a write that reaches the engine after the deadline does nothing (G8)', async () => {
  for (const name of lateWrites) {
    const { store, between, clock } = bench();
    const record = await created(store, 'u1', { idleTimeout: 1000 });
    const { live } = await store.list('u1');
    const cursor = await store.cursor();
    const held = Promise.withResolvers<void>();
    between.before(name, () => held.promise);
    const refused = assert.rejects(async () => calls[name]?.(store), code('store_unavailable'));
    clock.advance(2000);
    await refused;
    held.resolve();
    await settled();
    assert.equal(between.count(name), name === 'create' ? 2 : 1);
    assert.deepEqual(await store.find(record.id), record, name);
    assert.deepEqual((await store.list('u1')).live, live, name);
    assert.equal((await store.subject('u1')).changedAt, 0, name);
    assert.equal(await store.cursor(), cursor, name);
  }
});

test('a call that was answered or failed leaves no timer behind', async () => {
  const { store, between } = bench();
  let waiting = 0;
  const clock = {
    now: () => 0,
    elapsed: () => 0,
    after: () => {
      waiting += 1;
      return () => {
        waiting -= 1;
      };
    },
  };
  const counted = withDeadline(store, clock, 2000);
  await counted.note([]);
  between.before('note', () => Promise.reject(new Error('ECONNRESET')));
  await assert.rejects(counted.note([]), code('store_unavailable'));
  assert.equal(waiting, 0);
});

test('what is asked reaches the store as it was asked', async () => {
  const { store } = bench();
  const [first] = [await created(store, 'u1'), await created(store, 'u2')];
  await store.setPermissions('u1', ['read'], { operation: operation() });
  await store.end(first.id, { reason: 'revoked', by: 'root', operation: operation() });
  const page = await store.page(null, 10, { state: 'ended' });
  assert.deepEqual(
    page.records.map(({ id, ending }) => [id, ending?.by]),
    [[first.id, 'root']],
  );
  const { events } = await store.events(null, 1);
  assert.equal(events.length, 1);
});

test('watching and closing reach the store', async () => {
  const { store } = bench();
  let called = 0;
  const stop = store.watch(() => {
    called += 1;
  });
  await created(store, 'u1');
  await settled();
  assert.ok(called > 0);
  stop();
  await store.close();
  assert.throws(() => store.find('Aid'), code('store_unavailable'));
});

test('closing a store that never answers ends at the deadline like every call', async () => {
  const clock = new TestClock();
  const endless: Store = { ...withDeadline(memory(), clock, 2000), close: () => new Promise(() => {}) };
  let ended = false;
  const closing = withDeadline(endless, clock, 2000)
    .close()
    .catch(() => {})
    .finally(() => {
      ended = true;
    });
  clock.advance(2000);
  await Promise.race([closing, settled()]);
  assert.equal(ended, true);
});
