import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure } from '../figures.ts';
import type { Report } from '../report.ts';

/*
 * What an application's bundle grows by: the lifecycle, the cookie transport and one framework's
 * binding, minified and gzipped, as the repository's own size-limit counts it (`.size-limit.json`).
 * Frameworks and Node's modules stay outside.
 */

/** Kilobytes. `.size-limit.json` holds what has been reached, so that it does not grow unseen (decision 018). */
const wanted = 15;

interface Entry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const tool = fileURLToPath(new URL('../../node_modules/size-limit/bin.js', import.meta.url));

async function measured(): Promise<readonly Entry[]> {
  const run = promisify(execFile)(process.execPath, [tool, '--json'], { cwd: root });
  // It ends with a failure when a limit is passed, and has told what it found all the same.
  const { stdout } = await run.catch((failed: { stdout: string }) => failed);
  return JSON.parse(stdout);
}

export async function size(): Promise<Report> {
  const entries = await measured();
  const kilobytes = ({ size: bytes }: Entry) => figure('kB', [bytes / 1000]);
  return {
    rows: entries.map((entry) => ({ what: entry.name, figures: { 'kB minified and gzipped': kilobytes(entry) } })),
    targets: entries.map((entry) => ({
      what: entry.name,
      wanted,
      bound: 'at most',
      unit: 'kB',
      measured: kilobytes(entry),
    })),
    notes: ['kB are 1000 bytes. The engine comes on top: an application imports one, and only its own.'],
    method: {},
  };
}
