import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { figure } from '../figures.ts';
import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { temporaryFolder } from '../temporary.ts';

/* How long `npm start` takes until the page answers, with all that npm and the build's look at the sources cost. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const defaultRounds = 5;

export async function start({ rounds = defaultRounds }: Options): Promise<Report> {
  const { folder, remove } = temporaryFolder();
  const [first, second]: [number[], number[]] = [[], []];
  try {
    for (let round = 0; round < rounds; round++) {
      const data = join(folder, String(round));
      first.push(await untilAnswered(data));
      second.push(await untilAnswered(data));
    }
  } finally {
    remove();
  }
  return {
    rows: [
      { what: 'first start, on no data folder', figures: { 'until the page answers': figure('ms', first) } },
      { what: 'second start', figures: { 'until the page answers': figure('ms', second) } },
    ],
    targets: [
      {
        what: 'second start, until the page answers',
        wanted: 1000,
        bound: 'at most',
        unit: 'ms',
        measured: figure('ms', second),
      },
    ],
    notes: ['The server is built already; what the first start makes is the account, its password and the files.'],
    method: { rounds: first.length },
  };
}

/** Milliseconds from the command to the whole page. */
async function untilAnswered(data: string): Promise<number> {
  const begun = performance.now();
  // In a group of its own: npm runs a shell, which runs the server.
  const child = spawn('npm', ['start', '--', '--port', '0', '--data', data], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const page = await fetch(await originOf(child));
    if (!page.ok || !(await page.text()).includes('<svg')) throw new Error(`The page answered ${page.status}.`);
    return performance.now() - begun;
  } finally {
    const exited = once(child, 'exit');
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await exited;
  }
}

async function originOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout) {
    for await (const line of createInterface(stdout)) {
      const [origin] = /http:\/\/\S+/.exec(line) ?? [];
      if (origin !== undefined) return origin;
    }
  }
  throw new Error('npm start ended without an address.');
}
