import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithout } from '../stores/process.ts';
import { stages } from './plans.ts';
import { type Faults, run } from './run.ts';

/*
 * Four processes on one engine, clients that sign in, come back, write and end sessions, and faults all the while.
 * FAULT_SECONDS: for how long each; every fault happens once at least. FAULT_SEED: which clients. FAULT_KEEP: the
 * figures are kept beside this file, for docs/guarantees.md. FAULT_ONLY: faults by name, between commas.
 */

const seconds = Number(process.env['FAULT_SECONDS'] ?? 20);
const seed = Number(process.env['FAULT_SEED'] ?? 1);
const only = process.env['FAULT_ONLY']?.split(',');
const given = process.env['REDIS_URL'] ?? process.env['DATABASE_URL'];

for (const [name, { needs, open }] of Object.entries(stages)) {
  const skip = given !== undefined && needs.length > 0 ? 'these tests stop their servers' : skipWithout(...needs);
  test(`G3 G4 G5 G7 G9 G11: what four processes were told under faults is what there is [${name}]`, {
    skip,
  }, async (t) => {
    const { plan, stop } = await open();
    try {
      const chosen = { ...plan, faults: choose(plan.faults), once: choose(plan.once ?? {}) };
      const faults = Object.keys({ ...chosen.faults, ...chosen.once });
      if (faults.length === 0) {
        t.skip('has none of these faults');
        return;
      }
      const figures = await run(chosen, seconds, seed, (text) => t.diagnostic(text));
      t.diagnostic(JSON.stringify(figures));
      const always = plan.ahead ? ['all the while a node whose clock is two minutes off'] : [];
      const had = { bound: plan.bound, faults: [...faults, ...always] };
      if (process.env['FAULT_KEEP'] !== undefined) keep(name, { ...figures, ...had });
    } finally {
      await stop();
    }
  });
}

function choose(faults: Faults): Faults {
  return Object.fromEntries(Object.entries(faults).filter(([name]) => only?.includes(name) ?? true));
}

/** What the figures are of; with a plus where it was changed since. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no', '../../src');
  return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`;
}

function keep(name: string, figures: object): void {
  const path = join(import.meta.dirname, 'figures.json');
  const kept: Record<string, object> = JSON.parse(readFileSync(path, 'utf8'));
  const measured = { ...figures, measuredAt: new Date().toISOString(), commit: commit() };
  writeFileSync(path, `${JSON.stringify({ ...kept, [name]: measured }, null, 2)}\n`);
}
