import { SojournError } from '../src/lifecycle/errors.ts';
import type { SessionEvent } from '../src/lifecycle/events.ts';
import type { Store } from '../src/lifecycle/ports.ts';
import type { Session, SignedInSession } from '../src/session.ts';
import { createSessions, type Sessions } from '../src/sessions.ts';
import type { LogEntry, SessionsOptions } from '../src/settings.ts';
import { memory } from '../src/stores/memory.ts';
import { sqlite } from '../src/stores/sqlite/sqlite.ts';
import { TestClock } from '../src/testing/clock.ts';
import { seededRandom } from '../src/testing/random.ts';
import { temporary } from './temporary.ts';

export type Data = { cart: string[]; n: number; draft: string };
export type Permission = 'read' | 'write' | 'admin';

/** The engines that every guarantee is proved on. */
export const engines: Readonly<Record<string, (now: () => number) => Store>> = {
  memory: (now) => memory({ now }),
  sqlite: (now) => sqlite(temporary('sessions.db'), { now }),
};

export interface LabOptions extends Partial<Omit<SessionsOptions, 'store' | 'clock'>> {
  /** Default: one of its own that stands at the start of 2026. */
  readonly clock?: TestClock;
  readonly engine?: (now: () => number) => Store;
  /** Between the sessions and the engine. */
  readonly around?: (store: Store) => Store;
}

/** Sessions on a real store with a clock to move and randomness to repeat. */
export class Lab {
  readonly clock: TestClock;
  readonly store: Store;
  readonly sessions: Sessions<Data, Permission>;
  readonly log: LogEntry[] = [];
  /** Calls of the store that have not been answered. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor({
    engine = engines['memory'],
    around = (store) => store,
    clock = new TestClock(),
    ...options
  }: LabOptions = {}) {
    if (engine === undefined) throw new TypeError('no engine');
    this.clock = clock;
    this.store = around(engine(this.clock.now));
    this.sessions = createSessions<Data, Permission>({
      sweepEvery: 'never',
      clock: this.clock,
      random: seededRandom(7),
      log: (entry) => this.log.push(entry),
      ...options,
      store: through(this.store, (_name, run) => this.#follow(run())),
    });
  }

  #follow(answer: unknown): unknown {
    if (!(answer instanceof Promise)) return answer;
    this.#underWay.add(answer);
    const done = (): void => void this.#underWay.delete(answer);
    answer.then(done, done);
    return answer;
  }

  browser(): Browser {
    return new Browser(this.sessions);
  }

  /** A browser that has signed in. */
  async signedIn(
    subject = 'u1',
    options: Parameters<SignedInSession<Data, Permission>['signIn']>[1] = {},
  ): Promise<Browser> {
    const browser = this.browser();
    const session = await browser.visit();
    await session.signIn(subject, { checkedAt: this.clock.now() + 1, factor: 'password', ...options });
    return browser;
  }

  async events(): Promise<SessionEvent[]> {
    const events: SessionEvent[] = [];
    for await (const { cursor, ...event } of this.sessions.events({ follow: false })) events.push(event);
    return events;
  }

  /** What was recorded of one session, in order. */
  async told(id: string | null): Promise<string[]> {
    return (await this.events()).filter(({ sessionId }) => sessionId === id).map(({ type }) => type);
  }

  /** Everything that was merged is written. */
  async settle(): Promise<void> {
    this.clock.advance('1s');
    // One call follows another, a few steps later.
    do {
      await Promise.allSettled(this.#underWay);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#underWay.size > 0);
  }
}

/** A client's token, and the requests it makes with it. */
export class Browser {
  readonly #sessions: Sessions<Data, Permission>;
  token: string | null = null;
  /** Tokens that answers carried, whether they arrived or not. */
  readonly handed: string[] = [];

  constructor(sessions: Sessions<Data, Permission>) {
    this.#sessions = sessions;
  }

  /**
   * One request. Its answer's token takes the jar's place when the answer arrives: at once, or never
   * with `lost`.
   */
  async visit(
    options: { lost?: boolean; readOnly?: boolean; token?: string | null } = {},
  ): Promise<Session<Data, Permission>> {
    return this.#sessions.track(options.token === undefined ? this.token : options.token, {
      readOnly: options.readOnly ?? false,
      carrier: {
        begin: () => () => {},
        issue: (token) => {
          this.handed.push(token.reveal());
          if (!options.lost) this.token = token.reveal();
        },
        clear: () => {
          if (!options.lost) this.token = null;
        },
        device: () => undefined,
        body: () => Promise.reject(new Error('no body')),
        address: null,
      },
    });
  }

  /** A request that must be signed in. */
  async signedIn(options: Parameters<Browser['visit']>[0] = {}): Promise<SignedInSession<Data, Permission>> {
    const session = await this.visit(options);
    if (session.state === 'signed-in') return session;
    throw new Error(`not signed in: ${session.state} ${session.refused?.code ?? ''}`);
  }

  /** The code a request with this token is refused with, `none` where it is no token at all, `null` when it is admitted. */
  async refusal(token: string | null = this.token): Promise<string | null> {
    const session = await this.visit({ token, lost: true });
    return session.state === 'none' ? (session.refused?.code ?? 'none') : null;
  }

  copy(): Browser {
    const copy = new Browser(this.#sessions);
    copy.token = this.token;
    return copy;
  }
}

/** A store whose every call but those that cannot fail goes through `call`. */
export function through(store: Store, call: (name: string, run: () => unknown) => unknown): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'now' || name === 'watch' || name === 'listen' || name === 'close') return value.bind(target);
      return (...given: unknown[]) => call(String(name), () => value.apply(target, given));
    },
  });
}

/** For `assert.rejects` and `assert.throws`: an error of this library with this code. */
export function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof SojournError && error.code === expected) return true;
    throw error;
  };
}
