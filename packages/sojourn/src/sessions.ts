import { type CacheLimits, NearCache } from './cache/cache.ts';
import type { CacheCounts } from './cache/counts.ts';
import { type EventsOptions, follow } from './follow.ts';
import { AnonymousBudget } from './lifecycle/budget.ts';
import { withDeadline } from './lifecycle/deadline.ts';
import { type Duration, milliseconds } from './lifecycle/duration.ts';
import { type Code, invalid, SojournError } from './lifecycle/errors.ts';
import type { SessionEvent } from './lifecycle/events.ts';
import { sweep } from './lifecycle/expire.ts';
import type { Life } from './lifecycle/life.ts';
import { Notices } from './lifecycle/notices.ts';
import { knownKeys, text } from './lifecycle/options.ts';
import { setPermissions } from './lifecycle/permissions.ts';
import { checkPolicy, type Policy, type PolicyName, type PolicyOptions } from './lifecycle/policy.ts';
import type { Clock, MaybePromise, Near, Random, Store, StoreWarning, Swept } from './lifecycle/ports.ts';
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
import { parseToken } from './lifecycle/token.ts';
import { Touches } from './lifecycle/touches.ts';
import { type Tracked, track } from './lifecycle/track.ts';
import { type Devices, describe, devicesOf, type SessionSummary } from './list.ts';
import type { Carrier, Session } from './session.ts';
import { TrackedSession } from './tracked-session.ts';
import { type CookieOptions, makeCookie } from './transports/cookie.ts';
import { checkSite, type Site } from './transports/origin.ts';
import { systemClock, systemHash, systemRandom } from './world.ts';

/** Something for the operator's log. Never holds a token. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly code: Code | 'relaxed_cookie' | 'clock_skewed' | StoreWarning['code'];
  readonly message: string;
  readonly sessionId?: string | undefined;
  readonly error?: unknown;
}

export interface SessionsOptions {
  readonly store: Store;
  /** Scheme, host and port at which people reach the application. Without it only loopback hosts are served. */
  readonly origin?: string;
  /** Other origins whose pages may post here. */
  readonly trustedOrigins?: readonly string[];
  /** How many proxies in front add to X-Forwarded-For; `true` is one. Concerns the client's address only. Default none. */
  readonly trustProxy?: boolean | number;
  readonly policy?: PolicyName | PolicyOptions;
  readonly cookie?: CookieOptions;
  /** Also accept `Authorization: Bearer`. Default false. */
  readonly bearer?: boolean;
  /** How long the store may take before a call counts as unanswered. Default 2 s. */
  readonly storeDeadline?: Duration;
  /**
   * What this process remembers of the sessions it has read. `bound`: how long a change by another process may go
   * unnoticed here, 50 ms to 1 min, default 1 s (SQLite: not at all). `bytes`: default 128 MiB. `false`: nothing.
   */
  readonly cache?: CacheOptions | false;
  /** Default 1 min; `'never'` where another process sweeps. */
  readonly sweepEvery?: Duration | 'never';
  /** Default: warnings and errors to the console. */
  readonly log?: (entry: LogEntry) => void;
  /** For tests: the clock of timers. The engine's time is the store's. */
  readonly clock?: Clock;
  /** For tests: where ids and secrets come from. */
  readonly random?: Random;
}

export interface CacheOptions {
  readonly bound?: Duration;
  readonly bytes?: number;
}

/** What the bindings read: how this application is reached and how its token travels. */
export interface Transport {
  readonly site: Site;
  readonly cookie: CookieOptions;
  readonly bearer: boolean;
  /** Proxies in front that add to X-Forwarded-For. */
  readonly proxies: number;
}

export interface Sessions<D, P extends string> {
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
  };
  /** Puts an entry into the log and, where it is about a session, an event into the store. */
  report(entry: LogEntry): void;
}

export interface TrackTokenOptions {
  /** Never rotates, so that no token needs to be handed out. */
  readonly readOnly?: boolean;
  /** Does not count as use, so that looking does not move the idle limit. */
  readonly passive?: boolean;
  /** No answer can hand this client a new token: it never rotates, and permissions that are given hold at once. */
  readonly bearer?: boolean;
  /** Asks the store, whatever is remembered. */
  readonly fresh?: boolean;
  readonly carrier?: Carrier;
}

const defaults = {
  storeDeadline: 2000,
  sweepEvery: 60_000,
  sweepMost: 500,
  cache: { bound: 1000, bytes: 128 * 2 ** 20 },
} as const;

const optionKeys = [
  'store',
  'origin',
  'trustedOrigins',
  'trustProxy',
  'policy',
  'cookie',
  'bearer',
  'storeDeadline',
  'cache',
  'sweepEvery',
  'log',
  'clock',
  'random',
];

function logToConsole({ level, code, message, error }: LogEntry): void {
  console[level](`sojourn ${code}: ${message}`, ...(error === undefined ? [] : [error]));
}

/**
 * Joins the stages of a session's life to a store, the clock and randomness. Throws `option_invalid`
 * with the fix for an unknown option or a combination that cannot be secure.
 */
export function createSessions<D extends object = Record<string, unknown>, P extends string = string>(
  options: SessionsOptions,
): Sessions<D, P> {
  knownKeys('createSessions', options, optionKeys);
  if (typeof options.store?.find !== 'function') {
    throw invalid("store: pass one, as sqlite('./data/sessions.db') of sojourn/sqlite.");
  }
  const transport = checkTransport(options);
  const policy = checkPolicy(options.policy);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? logToConsole;
  for (const warning of options.store.warnings ?? []) log({ level: 'warn', ...warning });
  const deadline = milliseconds(options.storeDeadline ?? defaults.storeDeadline, 'storeDeadline', 1);
  const engine = withDeadline(options.store, clock, deadline);
  const limits = checkCache(options.cache);
  // What lives in this process already is as near as can be.
  const cache =
    limits === null || engine.distance === 'process'
      ? null
      : new NearCache(engine, clock, systemHash, { ...limits, skewed: (ahead) => log(skewed(engine.name, ahead)) });
  const store = cache?.store ?? engine;

  const failed = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    log({ level: 'error', code: error instanceof SojournError ? error.code : 'store_unavailable', message, error });
  };
  const signals = new Signals(failed);
  const life: Life = {
    store,
    near: cache ?? nothingNear,
    clock,
    random: options.random ?? systemRandom,
    hash: systemHash,
    policy,
    touches: new Touches(store, clock, failed),
    notices: new Notices(store, clock, failed),
    budget: new AnonymousBudget(clock, policy.anonymousPerMinute),
    ended: (records) => signals.ended(records),
  };
  const signalOf = (record: Parameters<Signals['of']>[1]): AbortSignal => signals.of(life, record);
  const session = (carrier: Carrier, tracked: Tracked | null, secret: string | null): Session<D, P> => {
    const made = new TrackedSession(life, carrier, signalOf, tracked, secret);
    if (tracked?.state === 'admitted' && tracked.issue !== null) made.handOn(tracked.issue);
    // The class has the members of all three shapes; `state` says which of them hold.
    return made as unknown as Session<D, P>;
  };
  const closing = new AbortController();

  const every = options.sweepEvery ?? defaults.sweepEvery;
  const stopSweeping =
    every === 'never' ? () => {} : sweepRegularly(life, milliseconds(every, 'sweepEvery', 1), failed);

  return {
    policy,
    transport,
    track(token, { readOnly = false, passive = false, bearer = false, fresh = false, carrier = noCarrier } = {}) {
      const presented = token === null ? null : parseToken(token);
      if (presented === null) return session(carrier, null, null);
      const tracked = track(life, presented, { mayRotate: !readOnly && !bearer, passive, bearer, fresh });
      return tracked instanceof Promise
        ? tracked.then((found) => session(carrier, found, presented.secret))
        : session(carrier, tracked, presented.secret);
    },
    terminate: (id, given) => terminate(life, id, given),
    terminateAll: async (subject, given) => terminateAll(life, text('subject', subject), given),
    setPermissions: async (subject, permissions) => setPermissions(life, text('subject', subject), permissions),
    disable: async (subject, given) => disable(life, text('subject', subject), given?.by),
    enable: async (subject) => enable(life, text('subject', subject)),
    purge: async (subject) => purge(life, text('subject', subject)),
    list: async (subject) => devicesOf<P>(await store.list(text('subject', subject)), policy, store.now()),
    find: async (id) => {
      const record = await store.find(id);
      return record && describe<P>(record, policy);
    },
    events: (given = {}) => follow(store, given, closing.signal),
    cursor: async () => store.cursor(),
    async sweep({ most = defaults.sweepMost } = {}) {
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
      };
    },
    report(entry) {
      log(entry);
      if (entry.sessionId !== undefined && isCode(entry.code)) life.notices.add(entry.sessionId, entry.code);
    },
  };
}

function checkTransport(options: SessionsOptions): Transport {
  const site = checkSite(options.origin, options.trustedOrigins ?? []);
  const proxies = Number(options.trustProxy ?? 0);
  if (!Number.isSafeInteger(proxies) || proxies < 0) {
    throw invalid('trustProxy: give the number of proxies in front.');
  }
  if (proxies > 0 && site.origin === null) {
    throw invalid('trustProxy: set origin too.');
  }
  const cookie = options.cookie ?? {};
  knownKeys('cookie', cookie, ['name', 'sameSite']);
  makeCookie(cookie, site.secure, '0');
  const bearer = options.bearer ?? false;
  if (typeof bearer !== 'boolean') throw invalid('bearer: use true or false.');
  return { site, cookie, bearer, proxies };
}

function isCode(code: LogEntry['code']): code is Code {
  return code !== 'relaxed_cookie' && code !== 'clock_skewed' && code !== 'min_replicas_unset';
}

function skewed(engine: string, ahead: number): LogEntry {
  const message = `the clock of ${engine} is ${ahead} ms ahead of this machine's: set both by NTP.`;
  return { level: 'warn', code: 'clock_skewed', message };
}

function checkCache(given: SessionsOptions['cache'] = {}): Omit<CacheLimits, 'skewed'> | null {
  if (given === false) return null;
  knownKeys('cache', given, ['bound', 'bytes']);
  const bound = milliseconds(given.bound ?? defaults.cache.bound, 'cache.bound', 50);
  if (bound > 60_000) throw invalid('cache.bound: at most 1m, for so long an ended session may live on.');
  const bytes = given.bytes ?? defaults.cache.bytes;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw invalid('cache.bytes: give a whole number of bytes.');
  return { bound, bytes };
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
    while (!stopped && (await lap(life, defaults.sweepMost, failed)).more);
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
    if (changesToken) throw new SojournError('response_started', 'track: pass `carrier`, which hands the token out.');
    return () => {};
  },
  issue: () => {},
  clear: () => {},
  device: () => undefined,
  body: () =>
    Promise.reject(new SojournError('state_invalid', 'session.body(): pass `carrier`, which reads the body.')),
  address: null,
};
