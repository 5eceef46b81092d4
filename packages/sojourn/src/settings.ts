import { type Duration, milliseconds } from './lifecycle/duration.ts';
import { type Code, invalid } from './lifecycle/errors.ts';
import { flag, knownKeys, texts } from './lifecycle/options.ts';
import { checkPolicy, type Policy, type PolicyName, type PolicyOptions } from './lifecycle/policy.ts';
import type { Clock, Random, Store, StoreWarning } from './lifecycle/ports.ts';
import { type CookieOptions, makeCookie } from './transports/cookie.ts';
import { checkSite, type Site } from './transports/origin.ts';

/** Something for the operator's log. Never holds a token. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly code: Code | 'relaxed_cookie' | 'cookie_unprefixed' | 'clock_skewed' | StoreWarning['code'];
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
   * unnoticed here, 50 ms to 1 min, default 1 s (SQLite: 1 ms). `bytes`: default 128 MiB. `false`: nothing is
   * remembered; the bound of 1 s is then that of a primary that was cut off.
   */
  readonly cache?: CacheOptions | false;
  /** Default 1 min; `'never'` where another process sweeps. */
  readonly sweepEvery?: Duration | 'never';
  /** Default: to the console, by `console[entry.level]`: notices, warnings and errors. */
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

const defaults = {
  storeDeadline: 2000,
  sweepEvery: 60_000,
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

/** What `createSessions` was given, checked, with every default in its place. */
export interface Settings {
  readonly transport: Transport;
  readonly policy: Policy;
  readonly deadline: number;
  /** Without `bytes` nothing is remembered. */
  readonly cache: { readonly bound: number; readonly bytes: number | null };
  /** `null`: another process sweeps. */
  readonly sweepEvery: number | null;
  readonly log: (entry: LogEntry) => void;
  readonly clock: Clock | undefined;
  readonly random: Random | undefined;
}

/** Throws `option_invalid` with the fix for an unknown option or a combination that cannot be secure. */
export function checkSettings(options: SessionsOptions): Settings {
  knownKeys('createSessions', options, optionKeys);
  const { store } = options;
  if (typeof store?.find !== 'function') {
    if (store instanceof Promise) throw invalid('store: await it.');
    throw invalid("store: pass one, as sqlite('./data/sessions.db') of sojourn/sqlite.");
  }
  const sweepEvery = options.sweepEvery ?? defaults.sweepEvery;
  return {
    transport: checkTransport(options),
    policy: checkPolicy(options.policy),
    deadline: milliseconds(options.storeDeadline ?? defaults.storeDeadline, 'storeDeadline', 1),
    cache: checkCache(options.cache),
    sweepEvery: sweepEvery === 'never' ? null : milliseconds(sweepEvery, 'sweepEvery', 1),
    log: options.log ?? logToConsole,
    clock: options.clock,
    random: options.random,
  };
}

function checkTransport(options: SessionsOptions): Transport {
  const site = checkSite(options.origin, texts('trustedOrigins', options.trustedOrigins ?? []));
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
  return { site, cookie, bearer: flag('bearer', options.bearer ?? false), proxies };
}

function checkCache(given: SessionsOptions['cache'] = {}): Settings['cache'] {
  if (given === false) return { bound: defaults.cache.bound, bytes: null };
  knownKeys('cache', given, ['bound', 'bytes']);
  const bound = milliseconds(given.bound ?? defaults.cache.bound, 'cache.bound', 50);
  if (bound > 60_000) throw invalid('cache.bound: at most 1m, for so long an ended session may live on.');
  const bytes = given.bytes ?? defaults.cache.bytes;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw invalid('cache.bytes: give a whole number of bytes.');
  return { bound, bytes };
}
