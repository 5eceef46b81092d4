import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/*
 * Servers for tests: the system's binaries, each in a folder of its own, on a free port of loopback, and
 * stopped by the process id that was started.
 */

/** The path of a binary, of PATH or of where Debian keeps it; `null` when it is not installed. */
export function binary(name: string): string | null {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** Why a test is skipped; with NO_SKIP nothing is, and what is missing fails. */
export function skipWithout(...names: readonly string[]): string | false {
  const missing = names.filter((name) => binary(name) === null);
  if (missing.length === 0 || process.env['NO_SKIP'] !== undefined) return false;
  return `not installed here: ${missing.join(', ')}`;
}

export function needed(name: string): string {
  const path = binary(name);
  if (path === null) throw new Error(`${name} is needed: install it`);
  return path;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has said, for a failure's sake. */
  readonly said: () => string;
  /** Ends it and waits until it has gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function start(command: string, args: readonly string[], user: { uid?: number; gid?: number } = {}): Started {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
    });
  }
  const gone = once(child, 'exit');
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    child,
    said: () => said,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
      process.off('exit', kill);
    },
  };
}

/** Asks until it answers, as long as the process lives. */
export async function until<T>({ child, said }: Started, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (cause) {
      if (child.exitCode !== null) throw new Error(`it ended as it started: ${said()}`, { cause });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

export function newFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `sojourn-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
