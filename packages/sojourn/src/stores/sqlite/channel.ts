import { Worker } from 'node:worker_threads';
import { SojournError } from '../../lifecycle/errors.ts';
import type { Store } from '../../lifecycle/ports.ts';

/** The operations that write. */
export type WriteName =
  | 'create'
  | 'update'
  | 'touch'
  | 'end'
  | 'endAll'
  | 'enable'
  | 'setPermissions'
  | 'sweep'
  | 'purge'
  | 'adopt'
  | 'note';

/** One write on its way to the writer. `now` is set where a test gives the engine's time. */
export type Call = {
  [Name in WriteName]: {
    readonly call: number;
    readonly now: number | null;
    readonly name: Name;
    readonly args: Parameters<Store[Name]>;
  };
}[WriteName];

export type Answer =
  | { readonly call: number; readonly result: unknown }
  | { readonly call: number; readonly error: { readonly message: string; readonly sessionId?: string } };

export interface WriterSettings {
  readonly path: string;
  /** How long the writer waits for another process's transaction, in milliseconds. */
  readonly busyTimeout: number;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: SojournError): void;
}

/** Calls to the writing thread, gathered per turn of the event loop; answers come when they are durable. */
export class Channel {
  readonly #settings: WriterSettings;
  readonly #answered: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #outbox: Call[] = [];
  #calls = 0;
  #closing = false;

  constructor(settings: WriterSettings, answered: () => void) {
    this.#settings = settings;
    this.#answered = answered;
    this.#start();
  }

  send<Name extends WriteName>(name: Name, args: Parameters<Store[Name]>, now: number | null): ReturnType<Store[Name]> {
    const sent = new Promise<unknown>((resolve, reject) => {
      if (this.#closing) {
        reject(unavailable('it is closed'));
        return;
      }
      this.#calls += 1;
      this.#waiting.set(this.#calls, { resolve, reject });
      if (this.#outbox.length === 0) queueMicrotask(() => this.#post());
      // A call is made of a name and that name's arguments, which TypeScript cannot follow through a union.
      this.#outbox.push({ call: this.#calls, now, name, args } as Call);
    });
    return sent as ReturnType<Store[Name]>;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#post();
    const worker = this.#worker;
    if (worker === null) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.ref();
    worker.postMessage('close');
    await exited;
  }

  #post(): void {
    if (this.#outbox.length === 0) return;
    const worker = this.#worker ?? this.#start();
    const calls = this.#outbox;
    this.#outbox = [];
    worker.ref();
    try {
      worker.postMessage(calls);
    } catch {
      // One of them holds what cannot be copied to the thread, a function say. The others go on.
      for (const call of calls) this.#postAlone(worker, call);
    }
  }

  #postAlone(worker: Worker, call: Call): void {
    try {
      worker.postMessage([call]);
    } catch (cause) {
      const waiting = this.#waiting.get(call.call);
      this.#waiting.delete(call.call);
      waiting?.reject(new SojournError('option_invalid', `${call.name}: ${String(cause)}. Pass text.`, { cause }));
    }
  }

  #start(): Worker {
    // Beside this file, as TypeScript in the repository and as JavaScript in the package.
    const file = import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js';
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#settings });
    worker.on('message', (answers: readonly Answer[]) => this.#receive(worker, answers));
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, undefined));
    // Last: listening to messages takes hold of the process again.
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #receive(worker: Worker, answers: readonly Answer[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.call);
      this.#waiting.delete(answer.call);
      if ('error' in answer) waiting?.reject(unavailable(answer.error.message, answer.error));
      else waiting?.resolve(answer.result);
    }
    if (this.#waiting.size === 0) worker.unref();
    this.#answered();
  }

  /** The thread is gone: what it had not answered is unknown. The next call starts another. */
  #lost(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(unavailable('its writing thread ended', { cause }));
    this.#waiting.clear();
  }
}

function unavailable(why: string, details: { sessionId?: string; cause?: unknown } = {}): SojournError {
  return new SojournError('store_unavailable', `The sqlite store cannot answer: ${why}.`, details);
}
