import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';

export interface Start {
  readonly file: string;
  readonly args?: readonly string[];
  /** Keep the process and all its threads on this core, where the system can. */
  readonly core?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

/** Whether processes can be kept on cores of their own, so that load and server do not disturb each other. */
export const pins: boolean = canPin();

function canPin(): boolean {
  if (cpus().length < 2) return false;
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A process of this benchmark that answers one message with one message. */
export class Child {
  readonly #child: ChildProcess;
  readonly #name: string;
  #answers: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  #early: unknown[] = [];
  #ended = false;

  constructor({ file, args = [], core, env, nodeOptions = [] }: Start) {
    this.#name = `${file} ${args.join(' ')}`.trim();
    const node = [process.execPath, ...nodeOptions, new URL(file, import.meta.url).pathname, ...args];
    const [command = '', ...rest] = core !== undefined && pins ? ['taskset', '-c', String(core), ...node] : node;
    this.#child = spawn(command, rest, {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => {
      const waiting = this.#answers.shift();
      if (waiting) waiting.resolve(message);
      else this.#early.push(message);
    });
    this.#child.on('exit', (code, signal) => {
      this.#ended = true;
      for (const { reject } of this.#answers) reject(new Error(`${this.#name} ended with ${code ?? signal}`));
      this.#answers = [];
    });
  }

  /** The next message, in the order they came. */
  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#early.length > 0) resolve(this.#early.shift() as T);
      else if (this.#ended) reject(new Error(`${this.#name} has ended`));
      else this.#answers.push({ resolve: (value) => resolve(value as T), reject });
    });
  }

  ask<T>(message: object): Promise<T> {
    const answer = this.next<T>();
    this.#child.send(message);
    return answer;
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** Runs a file to its one message. */
export async function run<T>(start: Start): Promise<T> {
  const child = new Child(start);
  try {
    return await child.next<T>();
  } finally {
    await child.end();
  }
}

/** Answers the process that started this one; ends with it. */
export function tell(message: object): void {
  if (process.send === undefined) throw new Error('Start this through run.ts: it answers the process that starts it.');
  if (process.listenerCount('disconnect') === 0) process.on('disconnect', () => process.exit());
  process.send(message);
}
