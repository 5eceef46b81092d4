import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, figure, ratio } from '../figures.ts';
import { pins, run } from '../process.ts';
import { counted } from '../processor-time.ts';
import { measured, type Report, type Row } from '../report.ts';
import { temporaryFolder } from '../temporary.ts';
import type { Built } from './build.ts';
import type { Lookups } from './lookups.ts';
import type { Opened } from './open.ts';
import { delays } from './scenarios.ts';
import { expired, total } from './sessions.ts';
import type { SignIns } from './sign-ins.ts';
import type { SweptRound } from './sweep.ts';

/* The embedded store with a million sessions in its file; each part is a process of its own. */

const core = 0;
const sweepRounds = 3;
const delayRounds = 3;
const openings = 7;
const defaultRounds = 9;
/** The file, its log and what SQLite needs beside them while it makes an index. */
const diskNeeded = 4e9;

function checkDisk(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < diskNeeded) {
    throw new Error(`${folder} has less than ${diskNeeded / 1e9} GB free. Set TMPDIR to a folder that has.`);
  }
}

async function repeated<T>(count: number, once: () => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (let i = 0; i < count; i++) found.push(await once());
  return found;
}

export async function sqlite({ rounds = defaultRounds }: { rounds?: number | undefined }): Promise<Report> {
  const { folder, remove } = temporaryFolder();
  try {
    checkDisk(folder);
    return await measure(folder, rounds);
  } finally {
    remove();
  }
}

async function measure(folder: string, rounds: number): Promise<Report> {
  const file = join(folder, 'million.db');
  const args = [file, String(rounds)];
  const built = await run<Built>({ file: 'sqlite/build.ts', args: [file] });
  const lookups = await run<Lookups>({ file: 'sqlite/lookups.ts', args, core });
  const opened = await repeated(openings, () => run<Opened>({ file: 'sqlite/open.ts', args: [file] }));
  const signIns = await run<SignIns>({ file: 'sqlite/sign-ins.ts', args });
  const loop = await delays(file, folder, Math.min(rounds, delayRounds));
  const atATime = String(expired / sweepRounds);
  const swept = await repeated(sweepRounds, () => run<SweptRound>({ file: 'sqlite/sweep.ts', args: [file, atATime] }));

  const find = figure('a second', lookups.findBusy);
  const opening = figure('ms', values(opened, 'milliseconds'));
  const memory = figure('MB', values(opened, 'opened'));
  const atOnce = figure('a second', signIns.atOnce);
  const oneByOne = figure('a second', signIns.oneByOne);
  const gain = ratio(atOnce, oneByOne);
  const held = figure('ms', values(swept, 'most'));
  const busiest = figure('ms', values(swept, 'busiest'));
  return {
    rows: [
      row('look-up, the store alone, by the clock', figure('a second', lookups.find)),
      row('look-up, the store alone, by processor time', find),
      row('look-up with every check, sessions.track, by the clock', figure('a second', lookups.track)),
      row('look-up with every check, by processor time', figure('a second', lookups.trackBusy)),
      row('opening, to the first answer', opening),
      row('memory before opening', figure('MB', values(opened, 'before'))),
      row('memory once open', memory),
      row('memory after 20,000 look-ups, with the file’s pages that are mapped', figure('MB', values(opened, 'used'))),
      row('sign-ins one after another', oneByOne),
      row('sign-ins 64 at once', atOnce),
      row('64 at once to one after another', gain),
      ...loop.rows,
      row(`sweeping ${swept[0]?.expired} expired: time`, figure('s', values(swept, 'seconds'))),
      row('sweeping: delay of the loop, p99', figure('ms', values(swept, 'p99'))),
      row('sweeping: delay of the loop, worst', held),
      row('sweeping: longest turn of the loop, by its own processor time', busiest),
    ],
    targets: [
      { what: 'look-ups in a second of one core', wanted: 60_000, bound: 'at least', unit: 'a second', measured: find },
      { what: '64 sign-ins at once ÷ one after another', wanted: 3, bound: 'at least', unit: '', measured: gain },
      ...loop.targets,
      { what: 'opening', wanted: 300, bound: 'at most', unit: 'ms', measured: opening },
      { what: 'memory once open', wanted: 150, bound: 'at most', unit: 'MB', measured: memory },
      {
        what: 'sweeping: longest hold, by processor time',
        wanted: 10,
        bound: 'at most',
        unit: 'ms',
        measured: busiest,
      },
      { what: 'sweeping: longest hold, by the clock', wanted: 10, bound: 'at most', unit: 'ms', measured: held },
    ],
    notes: [
      ...loop.notes,
      counted,
      'By the clock the worst delay is often the machine’s own: see that of no writes. The thread’s own processor time moves in ticks of up to 4 ms.',
      'The file was written just before: its pages are in the system’s memory, not on the way from the disk.',
      ...(pins ? [] : ['taskset is missing: the look-ups were not kept to one core.']),
    ],
    method: {
      sessions: total,
      'bytes of the file': built.bytes,
      'bytes of a record': built.bytesOfARecord,
      rounds,
      'look-ups a round': 50_000,
    },
  };
}

function row(what: string, found: Figure): Row {
  return { what, figures: { [measured]: found } };
}

function values<K extends string>(of: readonly Readonly<Record<K, number>>[], key: K): number[] {
  return of.map((one) => one[key]);
}
