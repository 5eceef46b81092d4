import type { Store } from '../../src/lifecycle/ports.ts';
import type { SignedInSession } from '../../src/session.ts';
import { memory } from '../../src/stores/memory.ts';
import { TestClock } from '../../src/testing/clock.ts';
import { Between, settled } from '../between.ts';
import { type Browser, type Data, type Lab, type LabOptions, type Permission, through } from '../lab.ts';
import { Elsewhere } from '../processes/elsewhere.ts';
import { type Stage, writes } from '../processes/protocol.ts';
import { temporary } from '../temporary.ts';
import type { ModelSession } from './model.ts';

/** A store in a process that can be killed. */
export interface Engine {
  /** A new process with an empty store. */
  open(now: () => number): Promise<Store>;
  /** The process is killed at its next write. */
  dieAt(at: Stage): void;
  /** Kills the process if it still lives; answers what the next one finds. */
  reopen(now: () => number): Promise<Store>;
  stop(): Promise<void>;
}

/** A file, and a process that is really killed. */
export class SqliteEngine implements Engine {
  #path = '';
  #process = new Elsewhere();
  // Starting one takes longer than a life, so the next is ready before it is needed.
  #next = new Elsewhere();

  open(now: () => number): Promise<Store> {
    this.#path = temporary('sessions.db');
    return this.#process.open(this.#path, now);
  }

  dieAt(at: Stage): void {
    this.#process.dieAt(at);
  }

  async reopen(now: () => number): Promise<Store> {
    await this.#process.kill();
    this.#process = this.#next;
    this.#next = new Elsewhere();
    return this.#process.open(this.#path, now);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#process.stop(), this.#next.stop()]);
  }
}

interface Life {
  dying: Stage | null;
  dead: boolean;
}

/** Nothing of it is durable, so its process dies as others see it: it does not answer any more. */
export class MemoryEngine implements Engine {
  #kept: Store | null = null;
  #life: Life = { dying: null, dead: false };

  async open(now: () => number): Promise<Store> {
    this.#kept = memory({ now });
    return this.#begin(this.#kept);
  }

  dieAt(at: Stage): void {
    this.#life.dying = at;
  }

  async reopen(): Promise<Store> {
    if (this.#kept === null) throw new Error('reopened before it was opened');
    this.#life.dead = true;
    return this.#begin(this.#kept);
  }

  async stop(): Promise<void> {}

  #begin(kept: Store): Store {
    const life: Life = { dying: null, dead: false };
    this.#life = life;
    return through(kept, (name, run) => {
      if (life.dead) throw new Error('its process is gone');
      if (life.dying === null || !writes.has(name)) return run();
      life.dead = true;
      const done = life.dying === 'before' ? undefined : run();
      return Promise.resolve(done).then(() => Promise.reject(new Error('its process is gone')));
    });
  }
}

/** A request that was admitted and is not done. */
export interface HeldRequest {
  readonly session: SignedInSession<Data, Permission>;
  readonly of: ModelSession;
  readonly token: string;
  readonly since: number;
}

type Make = (options: LabOptions) => Lab;

/** The library under the model: browsers, every token that was ever handed out, what waits and what is under way. */
export class Real {
  readonly #engine: Engine;
  readonly #make: Make;
  readonly #time: { clock: TestClock };
  readonly between: Between = new Between();
  lab: Lab;
  browsers: Browser[];
  readonly tokens: string[] = [];
  readonly signals: Map<string, AbortSignal> = new Map();
  held: HeldRequest[] = [];

  private constructor(engine: Engine, make: Make, time: { clock: TestClock }, store: Store) {
    this.#engine = engine;
    this.#make = make;
    this.#time = time;
    this.lab = this.#start(store);
    this.browsers = [0, 1, 2].map(() => this.lab.browser());
  }

  static async begin(engine: Engine, make: Make): Promise<Real> {
    const time = { clock: new TestClock() };
    return new Real(engine, make, time, await engine.open(() => time.clock.now()));
  }

  #start(store: Store): Lab {
    return this.#make({ engine: () => store, around: this.between.around, clock: this.#time.clock });
  }

  /** The process is killed at its next write. */
  dieAt(at: Stage): void {
    this.#engine.dieAt(at);
  }

  /** The process is killed; what the store had acknowledged is there when another starts. */
  async crash(): Promise<void> {
    // What the killed process had waiting on its clock never happens.
    this.#time.clock = new TestClock(this.#time.clock.now());
    this.lab = this.#start(await this.#engine.reopen(() => this.#time.clock.now()));
    this.signals.clear();
    this.held = [];
    this.browsers = this.browsers.map(({ token }) => {
      const browser = this.lab.browser();
      browser.token = token;
      return browser;
    });
  }

  /** What a signal looks up and writes by itself is done: a touch, a look, an ending. */
  async settle(): Promise<void> {
    for (let i = 0; i < 4; i++) await this.lab.store.note([]);
    await settled();
  }

  browser(index: number): Browser {
    const browser = this.browsers[index];
    if (browser === undefined) throw new Error('no such browser');
    return browser;
  }
}
