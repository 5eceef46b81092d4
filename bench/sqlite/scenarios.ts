import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { figure } from '../figures.ts';
import { Child } from '../process.ts';
import { measured, type Row, type Target } from '../report.ts';
import type { Written } from './writes.ts';

/* What the event loop sees of durable writes: one process and two, on the disk as it is and on a slow one. */

const perSecond = 500;
const seconds = 5;
const slowSync = 10;

interface Scenario {
  readonly what: string;
  readonly processes: number;
  readonly perSecond: number;
  readonly slow: boolean;
  /** Of each round, the worst of its processes. */
  readonly rounds: Written[];
}

export interface Delays {
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
  readonly notes: readonly string[];
}

const names = ['one process', 'two processes'];

function scenarios(slow: boolean): Scenario[] {
  const writing = [1, 2].map(
    (processes): Scenario => ({
      what: `${perSecond} writes/s, ${names[processes - 1]}${slow ? `, each sync ${slowSync} ms slower` : ''}`,
      processes,
      perSecond,
      slow,
      rounds: [],
    }),
  );
  return slow ? writing : [{ what: 'no writes', processes: 1, perSecond: 0, slow, rounds: [] }, ...writing];
}

/** The library that slows every sync, `null` where there is no compiler to make it. */
function makeSlow(folder: string): string | null {
  const made = join(folder, 'slow-sync.so');
  const source = join(import.meta.dirname, 'slow-sync.c');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', made, source, '-ldl'], { stdio: 'ignore' });
    return made;
  } catch {
    return null;
  }
}

async function round({ processes, perSecond: rate, slow }: Scenario, file: string, shim: string): Promise<Written> {
  const env: Record<string, string> = slow ? { LD_PRELOAD: shim } : {};
  const args = [file, String(rate), String(seconds)];
  const children = Array.from({ length: processes }, () => new Child({ file: 'sqlite/writes.ts', args, env }));
  try {
    await Promise.all(children.map((child) => child.next()));
    const found = await Promise.all(children.map((child) => child.ask<Written>({})));
    const worst = found.reduce((a, b) => (a.delay.p99 > b.delay.p99 ? a : b));
    if (slow && Math.min(...found.map(({ write }) => write.least)) < slowSync) {
      throw new Error('A write took less than its slowed sync: the shim has no effect here.');
    }
    return {
      ...worst,
      write: found.map(({ write }) => write).reduce((a, b) => (a.p99 > b.p99 ? a : b)),
      failed: found.reduce((sum, { failed }) => sum + failed, 0),
    };
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

export async function delays(file: string, folder: string, rounds: number): Promise<Delays> {
  const shim = makeSlow(folder);
  const all = [...scenarios(false), ...(shim === null ? [] : scenarios(true))];
  for (let i = 0; i < rounds; i++) {
    for (const scenario of all) scenario.rounds.push(await round(scenario, file, shim ?? ''));
  }
  const of = (scenario: Scenario, value: (written: Written) => number): Row['figures'] => ({
    [measured]: figure('ms', scenario.rounds.map(value)),
  });
  return {
    rows: all.flatMap((scenario): Row[] => [
      { what: `${scenario.what}: delay of the loop, p50`, figures: of(scenario, ({ delay }) => delay.p50) },
      { what: `${scenario.what}: delay of the loop, p99`, figures: of(scenario, ({ delay }) => delay.p99) },
      { what: `${scenario.what}: delay of the loop, worst`, figures: of(scenario, ({ delay }) => delay.most) },
      ...(scenario.perSecond === 0 ? [] : writing(scenario, of)),
    ]),
    targets: all
      .filter((scenario) => scenario.perSecond > 0)
      .map((scenario) => ({
        what: `${scenario.what}: delay of the loop, p99`,
        wanted: 10,
        bound: 'at most',
        unit: 'ms',
        measured: figure(
          'ms',
          scenario.rounds.map(({ delay }) => delay.p99),
        ),
      })),
    notes: [
      'A delay of the loop contains the millisecond of the timer that measures it; of two processes the worse is shown, and each writes 500 a second.',
      ...(shim === null ? ['SKIPPED: the slow disk, for want of a C compiler (cc).'] : []),
    ],
  };
}

function writing(scenario: Scenario, of: (s: Scenario, value: (written: Written) => number) => Row['figures']): Row[] {
  const { what, rounds } = scenario;
  const counted = (unit: string, value: (written: Written) => number): Row['figures'] => ({
    [measured]: figure(unit, rounds.map(value)),
  });
  return [
    { what: `${what}: a write, p50`, figures: of(scenario, ({ write }) => write.p50) },
    { what: `${what}: a write, p99`, figures: of(scenario, ({ write }) => write.p99) },
    { what: `${what}: durable`, figures: counted('a second', ({ rate }) => rate) },
    { what: `${what}: not written within the deadline`, figures: counted('writes', ({ failed }) => failed) },
  ];
}
