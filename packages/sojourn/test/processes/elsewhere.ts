import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { Said, Stage, Told } from './protocol.ts';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'call'> : never;

/** Another process, and stores that live in it. */
export class Elsewhere {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #watchers = new Map<number, Set<() => void>>();
  #calls = 0;
  #stores = 0;
  #gone = false;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'child.ts'), {
      // Not the flags of the test runner.
      execArgv: [],
      // Undefined stays undefined.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit').then(() => this.#lost());
    this.#child.on('message', (said: Said) => this.#hear(said));
  }

  /** A store of that process on a file; its time is what `now` says here. */
  async open(path: string, now: () => number): Promise<Store> {
    this.#stores += 1;
    const store = this.#stores;
    await this.#send({ do: 'open', store, path, now: now() });
    const watchers = new Set<() => void>();
    this.#watchers.set(store, watchers);
    return new StoreElsewhere(now, watchers, (name, args) => this.#send({ do: 'call', store, name, args, now: now() }));
  }

  /** It is killed at its next write. */
  dieAt(at: Stage): void {
    this.#send({ do: 'die', at }).catch(() => {});
  }

  /** kill -9. What it had not answered is unknown. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }

  #send(told: Unnumbered<Told>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls += 1;
      if (this.#gone) reject(unknown());
      else this.#waiting.set(this.#calls, { resolve, reject });
      // What could not be sent any more is rejected when the process is known to be gone.
      if (!this.#gone) this.#child.send({ ...told, call: this.#calls }, () => {});
    });
  }

  #hear(said: Said): void {
    if ('changed' in said) {
      for (const changed of this.#watchers.get(said.changed) ?? []) changed();
      return;
    }
    const waiting = this.#waiting.get(said.call);
    this.#waiting.delete(said.call);
    if ('result' in said) waiting?.resolve(said.result);
    else waiting?.reject(new SojournError(said.error.code, said.error.message, said.error.details));
  }

  #lost(): void {
    this.#gone = true;
    for (const { reject } of this.#waiting.values()) reject(unknown());
    this.#waiting.clear();
  }
}

function unknown(): SojournError {
  return new SojournError('store_unavailable', 'The process of this store is gone.');
}

type Send = (name: keyof Store, args: readonly unknown[]) => Promise<unknown>;

class StoreElsewhere implements Store {
  readonly name = 'sqlite';
  /** Its answers come from another process. */
  readonly distance = 'network';
  readonly now: () => number;
  readonly #watchers: Set<() => void>;
  readonly #send: Send;

  constructor(now: () => number, watchers: Set<() => void>, send: Send) {
    this.now = now;
    this.#watchers = watchers;
    this.#send = send;
  }

  find: Store['find'] = (...args) => this.#call('find', args);
  subject: Store['subject'] = (...args) => this.#call('subject', args);
  create: Store['create'] = (...args) => this.#call('create', args);
  update: Store['update'] = (...args) => this.#call('update', args);
  touch: Store['touch'] = (...args) => this.#call('touch', args);
  end: Store['end'] = (...args) => this.#call('end', args);
  endAll: Store['endAll'] = (...args) => this.#call('endAll', args);
  enable: Store['enable'] = (...args) => this.#call('enable', args);
  setPermissions: Store['setPermissions'] = (...args) => this.#call('setPermissions', args);
  list: Store['list'] = (...args) => this.#call('list', args);
  subjects: Store['subjects'] = (...args) => this.#call('subjects', args);
  page: Store['page'] = (...args) => this.#call('page', args);
  sweep: Store['sweep'] = (...args) => this.#call('sweep', args);
  adopt: Store['adopt'] = (...args) => this.#call('adopt', args);
  purge: Store['purge'] = (...args) => this.#call('purge', args);
  note: Store['note'] = (...args) => this.#call('note', args);
  events: Store['events'] = (...args) => this.#call('events', args);
  cursor: Store['cursor'] = (...args) => this.#call('cursor', args);
  beat: Store['beat'] = (...args) => this.#call('beat', args);
  close: Store['close'] = (...args) => this.#call('close', args);

  watch(changed: () => void): () => void {
    if (this.#watchers.size === 0) this.#send('watch', []).catch(() => {});
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  listen(): () => void {
    return () => {};
  }

  #call<Name extends keyof Store>(
    name: Name,
    args: readonly unknown[],
  ): Promise<Awaited<ReturnType<Extract<Store[Name], (...given: never) => unknown>>>> {
    // The process answers what the method of this name does, which TypeScript cannot follow over a wire.
    return this.#send(name, args) as Promise<never>;
  }
}
