import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { NearCache } from '../../src/cache/cache.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, found, operation, writing } from '../../src/stores/contract/subject.ts';
import { systemClock, systemHash } from '../../src/world.ts';
import { settled } from '../between.ts';

/** A store as one process has it: with a client of its own. */
export interface Opened {
  readonly store: Store;
  close(): Promise<unknown>;
}

/** Opens a store that looks by itself so often. */
export type Open = (watchEvery: number) => Promise<Opened>;

/** So seldom that no test sees it. */
const hardlyEver = 600_000;

/** Writes by `other` until `one` has heard of one of them: what was written before it heard, it may have missed. */
export async function untilHeard(one: Store, other: Store): Promise<void> {
  const began = Date.now();
  const { id } = await created(other, 'u1');
  let at: number | null = null;
  const stop = one.listen((changes) => {
    at ??= changes.find((change) => change.id === id)?.at ?? null;
  });
  while (at === null) await written(other, id);
  // The engine is on this machine.
  assert.ok(at >= began && at <= Date.now(), `${at} is not the engine's time`);
  stop();
}

/** A change that goes through, or does not while the server is away. */
async function written(store: Store, id: string): Promise<void> {
  await found(store, id)
    .then(({ version }) => store.update(id, version, { data: '{}' }, writing()))
    .catch(() => {});
  await settled();
}

/** Two processes on one engine, by the name of their client. `losses`: ways to lose a connection that hears. */
export function hearingBehaviour(
  name: string,
  skip: string | false,
  open: Open,
  losses: Readonly<Record<string, () => Promise<unknown>>>,
): void {
  const pair = (title: string, run: (one: Store, other: Store) => Promise<void>): void => {
    test(`${title} [${name}]`, { skip }, async () => {
      const [one, other] = [await open(hardlyEver), await open(hardlyEver)];
      try {
        await run(one.store, other.store);
      } finally {
        await one.close();
        await other.close();
      }
    });
  };

  pair('what one process changes another hears, and itself', async (one, other) => {
    await untilHeard(one, other);
    await untilHeard(one, one);
  });

  pair('who listens no more is told nothing, and may listen again', async (one, other) => {
    let calls = 0;
    const stop = one.listen(() => {
      calls += 1;
    });
    await untilHeard(one, other);
    stop();
    const before = calls;
    await untilHeard(one, other);
    assert.equal(calls, before);
  });

  pair('who watches is woken by another process without looking', async (one, other) => {
    const { id } = await created(other, 'u1');
    let woken = false;
    const stop = one.watch(() => {
      woken = true;
    });
    while (!woken) await written(other, id);
    stop();
  });

  pair('G7: what ends in one process leaves the near cache of another before the next beat', async (one, other) => {
    const limits = { bound: 60_000, deadline: 2000, bytes: 2 ** 20, skewed: () => {} };
    const [near, far] = [one, other].map((store) => new NearCache(store, systemClock, systemHash, limits));
    assert.ok(near && far);
    await untilHeard(one, other);
    const { id } = await created(far.store, 'u1');
    while (near.get(id) === null) await near.store.find(id);
    await far.store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    while (near.get(id) !== null) await settled();
    assert.equal((await near.store.find(id))?.ending?.reason, 'signed_out');
    assert.equal(near.counts.beats, 1);
    for (const cache of [near, far]) await cache.store.close();
  });

  for (const [title, lose] of Object.entries(losses)) {
    pair(`${title}: it hears again`, async (one, other) => {
      const stop = one.listen(() => {});
      await untilHeard(one, other);
      await lose();
      await untilHeard(one, other);
      stop();
    });
  }
}

/** A process that has opened, listened and closed ends by itself. */
export function endsByItself(name: string, skip: string | false, args: () => readonly string[]): void {
  for (const ending of ['closes both', 'closes the client']) {
    test(`a process that has listened and ${ending} is held by nothing [${name}]`, { skip }, async () => {
      const script = join(import.meta.dirname, 'listener.ts');
      const child = spawn(process.execPath, ['--conditions=sojourn-source', script, ending, ...args()], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    });
  }
}
