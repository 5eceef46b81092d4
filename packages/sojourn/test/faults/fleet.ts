import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Answer, Ask, FromNode, NodeSettings, ToldEvent } from './protocol.ts';

/** A server process that may be killed, stopped and started again. What it had not answered is unknown. */
export class FleetNode {
  readonly #settings: NodeSettings;
  readonly #heard: (message: FromNode) => void;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #child: ChildProcess | null = null;
  #calls = 0;

  constructor(settings: NodeSettings, heard: (message: FromNode) => void = () => {}) {
    this.#settings = settings;
    this.#heard = heard;
  }

  async start(change: Partial<NodeSettings> = {}): Promise<void> {
    const settings = JSON.stringify({ ...this.#settings, ...change });
    const child = fork(join(import.meta.dirname, 'node.ts'), [settings], {
      execArgv: ['--conditions=sojourn-source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.on('message', (message: FromNode) => {
      if ('ready' in message) ready.resolve();
      else if ('call' in message) this.#settle(message.call, message.answer);
      this.#heard(message);
    });
    child.once('exit', () => {
      ready.resolve();
      for (const call of this.#waiting.keys()) this.#settle(call, { is: 'unknown', why: 'the node is gone' });
    });

    await ready.promise;
  }

  ask(ask: Ask): Promise<Answer> {
    const child = this.#child;
    if (child === null || !child.connected) return Promise.resolve({ is: 'unknown', why: 'no node' });
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(call, resolve);
      child.send({ call, ask }, (error) => {
        if (error) this.#settle(call, { is: 'unknown', why: 'not sent' });
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  #settle(call: number, answer: Answer): void {
    this.#waiting.get(call)?.(answer);
    this.#waiting.delete(call);
  }
}

/** Follows the events, is killed and goes on from the last cursor it had handed over. */
export class Consumer {
  readonly #node: FleetNode;
  readonly events: ToldEvent[] = [];
  /** Times it was told that its cursor is lost, and began again. */
  lost = 0;
  #heard: () => void = () => {};

  constructor(settings: NodeSettings, told: (event: ToldEvent) => void = () => {}) {
    this.#node = new FleetNode(settings, (message) => {
      if ('lost' in message) this.lost += 1;
      if ('event' in message) {
        this.events.push(message.event);
        told(message.event);
      }
      this.#heard();
    });
  }

  async start(): Promise<void> {
    await this.#node.start({ follow: { after: this.events.at(-1)?.cursor ?? null } });
  }

  kill(): Promise<void> {
    return this.#node.kill();
  }

  /** Until it has heard enough, or so long; what is missing then is for the checker to tell. */
  async until(enough: () => boolean, most: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#heard();
    }, most);
    while (!enough() && !late) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    clearTimeout(timer);
  }
}
