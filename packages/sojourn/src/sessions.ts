import { NearCache } from './cache/cache.ts';
import type { CacheCounts, ProofCounts } from './cache/counts.ts';
import { unremembered } from './cache/proved-reads.ts';
import { type EventsOptions, follow } from './follow.ts';
import { AnonymousBudget } from './lifecycle/budget.ts';
import { withDeadline } from './lifecycle/deadline.ts';
import { type Code, codes, invalid, SojournError } from './lifecycle/errors.ts';
import type { SessionEvent } from './lifecycle/events.ts';
import { sweep } from './lifecycle/expire.ts';
import type { Life } from './lifecycle/life.ts';
import { Notices } from './lifecycle/notices.ts';
import { knownKeys, subjectName, whole } from './lifecycle/options.ts';
import { setPermissions } from './lifecycle/permissions.ts';
import type { Policy } from './lifecycle/policy.ts';
import type { MaybePromise, Near, Swept } from './lifecycle/ports.ts';
import { Signals } from './lifecycle/signals.ts';
import {
  disable,
  enable,
  purge,
  type TerminateAllOptions,
  type TerminateOptions,
  terminate,
  terminateAll,
} from './lifecycle/terminate.ts';
import { splitToken } from './lifecycle/token.ts';
import { Touches } from './lifecycle/touches.ts';
import { type Tracked, type TrackOptions, track } from './lifecycle/track.ts';
import { Turns } from './lifecycle/turns.ts';
import { type Devices, describe, devicesOf, type SessionSummary } from './list.ts';
import type { AnonymousSession, Carrier, Session } from './session.ts';
import { checkSettings, type LogEntry, type SessionsOptions, type Transport } from './settings.ts';
import { type Ends, TrackedSession } from './tracked-session.ts';
import { systemClock, systemHash, systemRandom } from './world.ts';

export interface Sessions<D, P extends string> {
  /**
   * A visitor's session before its first write, for a transport of your own: the token goes to the carrier. Throws
   * `anonymous_refused` over the budget, and `sign_in_required` where `policy.anonymous` is off.
   */
  create(options?: { readonly carrier?: Carrier }): Promise<AnonymousSession<D, P>>;
  /** A token came back, or none: whose session is it? Throws `store_unavailable` when the store cannot say. */
  track(token: string | null, options?: TrackTokenOptions): MaybePromise<Session<D, P>>;
  /** Ends a session by its public id. `false`: it had ended before or is not known. */
  terminate(id: string, options?: TerminateOptions): Promise<boolean>;
  /** Ends a subject's sessions; a sign-in that was checked before is refused. Answers how many ended. */
  terminateAll(subject: string, options?: TerminateAllOptions): Promise<number>;
  /** For all live sessions of a subject. What is taken away bites at the next request. Answers how many changed. */
  setPermissions(subject: string, permissions: readonly P[]): Promise<number>;
  /** Ends a subject's sessions and refuses every sign-in until `enable`. */
  disable(subject: string, options?: { by?: string }): Promise<number>;
  enable(subject: string): Promise<void>;
  /** Ends a subject's sessions and erases what is kept about them. */
  purge(subject: string): Promise<number>;
  /** A subject's devices: live sessions, and those that ended in the last 28 days with the reason. No secrets. */
  list(subject: string): Promise<Devices<P>>;
  /** One session by its public id, live or ended; `null` when nothing is known of it. */
  find(id: string): Promise<SessionSummary<P> | null>;
  /** What happened, from a cursor on (without one: from the oldest kept), and on as it happens; ends at `signal` or `close`. */
  events(options?: EventsOptions): AsyncIterable<SessionEvent & { readonly cursor: string }>;
  /** The engine's time as this process knows it, by which `checkedAt` and the times of a session are judged. */
  now(): number;
  /** The cursor of this moment. */
  cursor(): Promise<string>;
  /** One bounded lap of the sweep, which also runs by itself. */
  sweep(options?: { most?: number }): Promise<Pick<Swept, 'removed' | 'more'> & { expired: number }>;
  /** Writes what waits to be written, stops the sweep and closes the store. */
  close(): Promise<void>;
  readonly policy: Policy;
  readonly transport: Transport;
  /** What was merged away or refused since the start, for metrics. */
  readonly counts: {
    readonly touchesDropped: number;
    readonly noticesDropped: number;
    readonly anonymousRefused: number;
    /** `null`: nothing is remembered. */
    readonly cache: CacheCounts | null;
    /** `null`: no read needs a proof, and nothing is remembered. */
    readonly proof: ProofCounts | null;
  };
  /** Puts an entry into the log and, where it is about a session, an event into the store. */
  report(entry: LogEntry): void;
}

export interface TrackTokenOptions extends TrackOptions {
  readonly carrier?: Carrier;
}

/** Sessions that one lap of the sweep ends at most. */
const sweepMost = 200;

/**
 * Joins the stages of a session's life to a store, the clock and randomness. Throws `option_invalid`
 * with the fix for an unknown option or a combination that cannot be secure.
 */
export function createSessions<D extends object = Record<string, unknown>, P extends string = string>(
  options: SessionsOptions,
): Sessions<D, P> {
  const settings = checkSettings(options);
  const { transport, policy, log, clock = systemClock, random = systemRandom } = settings;
  for (const warning of options.store.warnings ?? []) log({ level: 'warn', ...warning });
  if (isUnprefixed(transport)) log(unprefixed);
  const engine = withDeadline(options.store, clock, settings.deadline);
  const { deadline } = settings;
  const { bound, bytes } = settings.cache;
  const skew = (ahead: number): void => log(skewed(engine.name, ahead));
  // What lives in this process already is as near as can be.
  const cache =
    bytes === null || engine.distance === 'process'
      ? null
      : new NearCache(engine, clock, systemHash, { bound, deadline, bytes, skewed: skew });
  const proved = cache ?? unremembered(engine, clock, { bound, deadline });
  const { store } = proved;

  const failed = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    log({ level: 'error', code: error instanceof SojournError ? error.code : 'store_unavailable', message, error });
  };
  const signals = new Signals(failed);
  const life: Life = {
    store,
    near: cache ?? nothingNear,
    clock,
    random,
    hash: systemHash,
    policy,
    touches: new Touches(store, clock, failed),
    notices: new Notices(store, clock, failed),
    turns: new Turns(),
    budget: new AnonymousBudget(clock, policy.anonymousPerMinute),
    ended: (records) => signals.ended(records),
  };
  const ends: Ends = { signal: (record) => signals.of(life, record), wait: (record) => signals.wait(life, record) };
  const session = (carrier: Carrier, tracked: Tracked | null, secret: string | null): Session<D, P> => {
    const made = new TrackedSession(life, carrier, ends, tracked, secret);
    if (tracked?.state === 'admitted' && tracked.issue !== null) made.handOn(tracked.issue);
    // The class has the members of all three shapes; `state` says which of them hold.
    return made as unknown as Session<D, P>;
  };
  const closing = new AbortController();

  const { sweepEvery } = settings;
  const stopSweeping = sweepEvery === null ? () => {} : sweepRegularly(life, sweepEvery, failed);

  return {
    policy,
    transport,
    async create({ carrier = noCarrier } = {}) {
      const visitor = session(carrier, null, null);
      await visitor.update(() => {});
      if (visitor.state === 'anonymous') return visitor;
      throw new TypeError('a session that was created is a visitor’s');
    },
    track(token, options = {}) {
      const { carrier = noCarrier } = options;
      const presented = typeof token === 'string' ? splitToken(token) : noToken(token);
      if (presented === null) return session(carrier, null, null);
      const tracked = track(life, presented, options);
      return tracked instanceof Promise
        ? tracked.then((found) => session(carrier, found, presented.secret))
        : session(carrier, tracked, presented.secret);
    },
    terminate: async (id, given) => terminate(life, idOf('terminate', id), given),
    terminateAll: async (subject, given) => terminateAll(life, subjectName(subject), given),
    setPermissions: async (subject, permissions) => setPermissions(life, subjectName(subject), permissions),
    disable: async (subject, given) => disable(life, subjectName(subject), given),
    enable: async (subject) => enable(life, subjectName(subject)),
    purge: async (subject) => purge(life, subjectName(subject)),
    list: async (subject) => devicesOf<P>(await store.list(subjectName(subject)), policy, store.now()),
    find: async (id) => {
      const record = await store.find(idOf('find', id));
      return record && describe<P>(record, policy);
    },
    events(given = {}) {
      knownKeys('events', given, ['after', 'follow', 'signal']);
      return follow(store, given, closing.signal);
    },
    now: () => store.now(),
    cursor: async () => store.cursor(),
    async sweep(given = {}) {
      knownKeys('sweep', given, ['most']);
      const most = whole('sweep.most', given.most ?? sweepMost);
      const { expired, removed, more } = await lap(life, most, failed);
      return { expired: expired.length, removed, more };
    },
    async close() {
      closing.abort();
      stopSweeping();
      signals.close();
      // The store is closed whatever could not be written before.
      const written = await Promise.allSettled([life.touches.flush(), life.notices.flush(true)]);
      await store.close();
      for (const result of written) if (result.status === 'rejected') throw result.reason;
    },
    get counts() {
      return {
        touchesDropped: life.touches.dropped,
        noticesDropped: life.notices.dropped,
        anonymousRefused: life.budget.refused,
        cache: cache?.counts ?? null,
        proof: proved.counts,
      };
    },
    report(entry) {
      log(entry);
      if (entry.sessionId !== undefined && isCode(entry.code)) life.notices.add(entry.sessionId, entry.code);
    },
  };
}

/** RFC 6265bis §4.1.3: without the prefix a cookie of that name may come from any host of the domain. */
function isUnprefixed({ site, cookie: { name = '__Host-' } }: Transport): boolean {
  return site.secure && !name.startsWith('__Host-');
}

const unprefixed: LogEntry = {
  level: 'warn',
  code: 'cookie_unprefixed',
  message: 'cookie.name: begin it with __Host-, or other hosts of the domain can set it.',
};

function isCode(code: LogEntry['code']): code is Code {
  return codes.some((known) => known === code);
}

function skewed(engine: string, ahead: number): LogEntry {
  const message = `the clock of ${engine} is ${ahead} ms ahead of this machine's: set both by NTP.`;
  return { level: 'warn', code: 'clock_skewed', message };
}

/** Code without types passes `undefined`, a list, or a promise of a token: no visitor is made of a mistake. */
function noToken(given: unknown): null {
  if (given === null) return null;
  throw invalid('track: pass a token, or null for none.');
}

/** An unknown id is an answer, `undefined` a mistake; engines would each take it otherwise. */
function idOf(call: string, id: string): string {
  if (typeof id === 'string') return id;
  throw invalid(`${call}: pass the id of a session.`);
}

const nothingNear: Near = { get: () => null, bypassed: () => {} };

async function lap(life: Life, most: number, failed: (error: unknown) => void): Promise<Swept> {
  const swept = await sweep(life, most);
  for (const sessionId of swept.unreadable) {
    failed(new SojournError('store_unavailable', `sweep: session ${sessionId} cannot be read.`, { sessionId }));
  }
  return swept;
}

/** Laps follow one another while there is more to do, each a write of its own; then a pause, jittered so that processes spread. */
function sweepRegularly(life: Life, every: number, failed: (error: unknown) => void): () => void {
  let stopped = false;
  let cancel = (): void => {};
  const laps = async (): Promise<void> => {
    while (!stopped && (await lap(life, sweepMost, failed)).more);
  };
  const schedule = (): void => {
    if (stopped) return;
    cancel = life.clock.after(every * (0.75 + Math.random() / 2), () => {
      laps().catch(failed).finally(schedule);
    });
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}

const noCarrier: Carrier = {
  begin: ({ changesToken }) => {
    if (changesToken) throw new SojournError('response_started', 'Pass `carrier`, which hands the token out.');
    return () => {};
  },
  issue: () => {},
  clear: () => {},
  device: () => undefined,
  body: () =>
    Promise.reject(new SojournError('state_invalid', 'session.body(): pass `carrier`, which reads the body.')),
  address: null,
};
