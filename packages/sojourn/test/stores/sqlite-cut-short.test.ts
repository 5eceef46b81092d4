import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { isTerminal } from '../../src/lifecycle/events.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { allEvents, created, creating, hour, newSession, operation } from '../../src/stores/contract/subject.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { temporary } from '../temporary.ts';
import { longWrites } from './long-writes.ts';

/* Whoever writes hundreds of sessions a hundred at a time may come no further than to the next part (decision 022). */

const count = 250;

interface CutShort {
  /** As it was left. */
  readonly store: Store;
  readonly ids: readonly string[];
  readonly clock: { now: number };
  /** Of the write that was cut short. */
  readonly operation: string;
}

/** What comes between two parts, and what the writer is told of it who lives on. */
const causes = {
  'the end of the thread': 'its writing thread ended',
  'a kill': null,
  'somebody who keeps the file': 'locked',
} as const;

/** Begins to write about 250 sessions of u1 in another process, which gets as far as so many commits. */
async function cutShort(by: keyof typeof causes, name: string, commits: number): Promise<CutShort> {
  const path = temporary('sessions.db');
  const clock = { now: Date.UTC(2026, 0, 1) };
  const before = sqlite(path, { now: () => clock.now });
  const made = await Promise.all(Array.from({ length: count }, () => created(before, 'u1')));
  await before.close();
  clock.now += hour;
  const begun = operation();
  const why = causes[by];
  const env = { CUT_SHORT_BY: by, AFTER_COMMITS: String(commits), FILE: path };
  const ended = await begin(env, [path, String(clock.now), name, begun, why ?? '']);
  assert.deepEqual(ended, why === null ? [null, 'SIGKILL'] : [0, null]);
  const ids = made.map(({ id }) => id).sort();
  return { store: sqlite(path, { now: () => clock.now }), ids, clock, operation: begun };
}

async function begin(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<unknown[]> {
  const [main, ahead] = ['long-writes.ts', 'between-commits.ts'].map((file) => join(import.meta.dirname, file));
  const child = spawn(process.execPath, ['--import', String(ahead), String(main), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  });
  return once(child, 'exit');
}

function isCause(name: string): name is keyof typeof causes {
  return Object.hasOwn(causes, name);
}

function idsOf(sessions: readonly { readonly id: string }[]): string[] {
  return sessions.map(({ id }) => id).sort();
}

async function eachEndedOnce({ store, ids }: CutShort): Promise<void> {
  const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
  assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), ids);
}

for (const by of Object.keys(causes).filter(isCause)) {
  for (const [commits, same] of [
    [1, false],
    [2, true],
  ] as const) {
    const how = `${same ? 'the same write' : 'another'} after ${commits} of 3 parts`;
    test(`G3 G8 G11: of an ending of all cut short by ${by}, ${how} does the rest [sqlite]`, async () => {
      const left = await cutShort(by, 'endAll', commits);
      const { store, ids, clock } = left;
      const { live } = await store.list('u1');
      assert.equal(live.length, count - 100 * commits);
      const late = await store.create(newSession('u1'), creating({ checkedAt: clock.now }));
      assert.equal(late.outcome, 'subject_changed');
      const ended = await longWrites['endAll']?.(store, same ? left.operation : operation());
      assert.deepEqual(idsOf(ended ?? []), same ? ids : idsOf(live));
      assert.equal((await store.list('u1')).live.length, 0);
      await eachEndedOnce(left);
      await store.close();
    });
  }

  test(`G8 G11: of a lap of the sweep cut short by ${by}, the next does the rest [sqlite]`, async () => {
    const left = await cutShort(by, 'sweep', 1);
    const { store } = left;
    const { live } = await store.list('u1');
    assert.equal(live.length, count - 100);
    assert.deepEqual(idsOf((await store.sweep(1000)).expired), idsOf(live));
    await eachEndedOnce(left);
    await store.close();
  });

  // It ends them, removes them, and erases what is told of them.
  for (const [commits, rows, told] of [
    [2, 250, 450],
    [4, 50, 500],
    [7, 0, 200],
  ] as const) {
    test(`G8 G11: of a purge cut short by ${by} after ${commits} parts, another leaves nothing [sqlite]`, async () => {
      const left = await cutShort(by, 'purge', commits);
      const { store } = left;
      const of = async (): Promise<number> =>
        (await allEvents(store)).filter(({ event }) => event.subject === 'u1').length;
      assert.deepEqual([(await store.page(null, 1000)).records.length, await of()], [rows, told]);
      await longWrites['purge']?.(store, operation());
      assert.deepEqual([(await store.page(null, 1000)).records.length, await of()], [0, 0]);
      await eachEndedOnce(left);
      await store.close();
    });
  }
}

test('G8: a store whose writing thread has ended starts another, and goes on [sqlite]', async () => {
  const started = once(process, 'worker');
  const store = sqlite(temporary('sessions.db'));
  const [thread] = await started;
  const { id } = await created(store, 'u1');
  await thread.terminate();
  const ended = await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
  assert.deepEqual(idsOf(ended), [id]);
  await store.close();
});
