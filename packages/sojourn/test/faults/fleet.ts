import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { machineTime } from './machine.ts';
import type { Ask, FromNode, NodeSettings, Told, ToldEvent } from './protocol.ts';

/** A server process that may be killed, stopped and started again. What it had not answered is unknown. */
export class FleetNode {
  readonly #settings: NodeSettings;
  readonly #heard: (message: FromNode) => void;
  readonly #ahead: number;
  readonly #waiting = new Map<number, (told: Told) => void>();
  #child: ChildProcess | null = null;
  #calls = 0;
  /** Times that it ended of itself, which no fault makes it do. */
  crashes = 0;

  /** `ahead`: how far its wall clock is, in milliseconds. */
  constructor(settings: NodeSettings, ahead = 0, heard: (message: FromNode) => void = () => {}) {
    this.#settings = settings;
    this.#ahead = ahead;
    this.#heard = heard;
  }

  async start(change: Partial<NodeSettings> = {}): Promise<void> {
    const settings = JSON.stringify({ ...this.#settings, ...change });
    const child = fork(join(import.meta.dirname, 'node.ts'), [settings], {
      // Set before the library loads, and in each of its threads.
      execArgv: ['--conditions=sojourn-source', ...(this.#ahead === 0 ? [] : ['--import', wrongClock(this.#ahead)])],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    child.on('message', (message: FromNode) => {
      if ('ready' in message) ready.resolve();
      else if ('call' in message) this.#settle(message.call, message);
      this.#heard(message);
    });
    child.once('exit', (code) => {
      if (code !== null && code !== 0) this.crashes += 1;
      ready.resolve();
      for (const call of this.#waiting.keys()) this.#settle(call, unknown('the node is gone'));
    });

    await ready.promise;
  }

  ask(ask: Ask): Promise<Told> {
    const child = this.#child;
    if (child === null || !child.connected) return Promise.resolve(unknown('no node'));
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(call, resolve);
      child.send({ call, ask }, (error) => {
        if (error) this.#settle(call, unknown('not sent'));
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

  #settle(call: number, { answer, begun, decided }: Told): void {
    this.#waiting.get(call)?.({ answer, begun, decided });
    this.#waiting.delete(call);
  }
}

/** What is known here only: that nobody knows. */
export function unknown(why: string): Told {
  const now = machineTime();
  return { answer: { is: 'unknown', why }, begun: now, decided: now };
}

/** A module that sets the wall clock of its process wrong. */
function wrongClock(ahead: number): string {
  return `data:text/javascript,const real = Date.now; Date.now = () => real() + ${ahead};`;
}

/** Follows the events, is killed and goes on from the last cursor it had handed over. */
export class Consumer {
  readonly #node: FleetNode;
  /** What it has read, since it last began from the start. */
  readonly events: ToldEvent[] = [];
  /** Times it was told that its cursor is lost, and began again. */
  lost = 0;
  #heard: () => void = () => {};

  constructor(settings: NodeSettings, told: (event: ToldEvent) => void = () => {}) {
    this.#node = new FleetNode(settings, 0, (message) => {
      if ('lost' in message) {
        this.lost += 1;
        this.events.length = 0;
      }
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

  get crashes(): number {
    return this.#node.crashes;
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
