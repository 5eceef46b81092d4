import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../../src/testing/random.ts';
import { Lab, type LabOptions } from '../lab.ts';
import { commands } from './commands.ts';
import { compare } from './guarantees.ts';
import { Model, policy } from './model.ts';
import { type Engine, MemoryEngine, Real, SqliteEngine } from './real.ts';

const options = {
  policy: { limit: policy.limit, mostAnonymous: policy.mostAnonymous, handover: { n: 'keep' } },
} as const;

async function check(engine: Engine, runs: number): Promise<void> {
  // A process that starts again does not draw the same ids again.
  const random = seededRandom(20_261_122);
  // The model knows no bound: the store is asked each time. What is remembered has tests of its own.
  const make = (more: LabOptions): Lab => new Lab({ ...options, ...more, random, cache: false });
  const property = fc.asyncProperty(fc.commands(commands(compare), { maxCommands: 60, size: 'max' }), async (all) => {
    const real = await Real.begin(engine, make);
    try {
      await fc.asyncModelRun(() => ({ model: new Model(real.lab.clock.now()), real }), all);
    } finally {
      await real.lab.sessions.close();
    }
  });
  try {
    await fc.assert(property, { numRuns: runs, seed: 20_261_122 });
  } finally {
    await engine.stop();
  }
}

// The model knows no bound of a cache (G7), no outage (G8), no options (G16) and no transaction of an application (G17).
test('G1–G6 G9–G15: the library and the model agree after every command of any life [memory]', () =>
  check(new MemoryEngine(), 2000));

test('G1–G6 G9–G15: the library and the model agree after every command of any life [sqlite]', () =>
  check(new SqliteEngine(), 25));
