import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';

const main = join(import.meta.dirname, '../src/main.ts');

/** What one process has compiled the next one need not, so that each starts in a third of the time. */
const compiled = join(tmpdir(), 'sojourn-compiled');

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function run(args: readonly string[], env: NodeJS.ProcessEnv): Child {
  return spawn(
    process.execPath,
    ['--conditions=sojourn-source', '--disable-warning=ExperimentalWarning', main, ...args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 60_000,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compiled, ...env },
    },
  );
}

/** A folder for the server's data, gone after the test. */
export function dataFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'data');
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command `sojourn` to its end. */
export async function sojourn(
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const child = run(args, env);
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
  return { code, out, err };
}

/** Runs the command `sojourn` and kills it as soon as it has got so far; answers what it ended by. */
export async function killedOnce(
  reached: () => Promise<boolean>,
  args: readonly string[],
): Promise<NodeJS.Signals | number | null> {
  const child = run(args, {});
  child.stdout.resume();
  child.stderr.resume();
  const closed = once(child, 'close');
  while (child.exitCode === null && !(await reached())) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  const [code, signal] = await closed;
  return signal ?? code;
}

async function read(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

/** A server in a process of its own, with the machine's clock. */
export class ServerProcess {
  origin = '';
  /** What it has printed so far. */
  out = '';
  /** And written to the log. */
  err = '';
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.err += chunk;
    });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.out += chunk;
    });
  }

  /** Starts on a free port and waits until it listens; ended with the test, however that ends. */
  static async start(t: TestContext, data: string, env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const child = run(['serve', '--port', '0', '--data', data], env);
    t.after(() => child.kill('SIGKILL'));
    const server = new ServerProcess(child);
    while (server.origin === '') {
      await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
      assert.equal(child.exitCode, null, `the server did not start: ${server.out}${server.err}`);
      server.origin = /^Sojourn is at (\S+)$/m.exec(server.out)?.[1] ?? '';
    }
    return server;
  }

  /** Sends the signal without waiting. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end: the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return exitCode ?? signalCode ?? 0;
    const [code, signal] = await once(this.#child, 'close');
    return code ?? signal;
  }
}
