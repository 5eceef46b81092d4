/// <reference lib="dom" />

/** How long a session lives yet, as its server said it: milliseconds since the epoch by the server's clock. */
export interface Limits {
  /** The session's public id. Another one than the page's: somebody signed in anew. */
  readonly id: string;
  readonly now: number;
  readonly idleUntil: number;
  readonly expiresAt: number;
}

export interface WatchOptions {
  /** The limits that the page was served with. */
  readonly limits: Limits;
  /** Answers `Limits` as JSON, or 401. Track it `passive`, so that to ask is not to use. */
  readonly status: string;
  /** Server-sent events of the session, if there are any: at `ended` this page asks at once. */
  readonly events?: string;
  /** Say that the session is about to expire this long before. Milliseconds, default 60,000. */
  readonly warnBefore?: number;
  /** The session expires in so many milliseconds; `null`: it was used after all, here or in another tab. */
  readonly onExpiring: (left: number | null) => void;
  /**
   * Once, with the server's code: `session_expired_idle`, `session_terminated`, `token_replaced`… What the
   * page shows may no longer be seen: take it away, or go to sign in.
   */
  readonly onOver: (code: string) => void;
}

export interface SessionWatch {
  /** An answer brought new limits: this tab and the others count from them. */
  used(limits: Limits): void;
  /** This tab signed out: the others are told, and this one too. */
  signedOut(): void;
  /** Asks the server now. */
  ask(): Promise<void>;
  /** Stops waiting; for a page that goes without being unloaded. */
  stop(): void;
}

type Told = { readonly limits: Limits } | { readonly over: string };

const askAgainAfter = 5000;
/** The two clocks differ by less than this, so a limit that is just over by one is by the other. */
const atLeast = 1000;
/** Timers longer than 2³¹ ms fire at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * The page's side of a session: warns before it expires, keeps tabs together, and learns of its end
 * also where it was ended elsewhere, or where the page comes back out of the browser's memory. Decides
 * nothing: every end is the server's word. A server that cannot say is asked again (G8).
 */
export function watchSession(options: WatchOptions): SessionWatch {
  const { status, warnBefore = 60_000, onExpiring, onOver } = options;
  let { limits } = options;
  /** How far the server's clock is ahead of this one. */
  let ahead = limits.now - Date.now();
  let warned = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stopped = new AbortController();
  const tabs = new BroadcastChannel('sojourn');
  const events = options.events === undefined ? null : new EventSource(options.events);

  const stop = (): void => {
    stopped.abort();
    clearTimeout(timer);
    tabs.close();
    events?.close();
  };

  const over = (code: string): void => {
    if (stopped.signal.aborted) return;
    stop();
    onOver(code);
  };

  const take = (next: Limits): void => {
    if (next.id !== limits.id) {
      over('token_replaced');
      return;
    }
    limits = next;
    ahead = next.now - Date.now();
    wait();
  };

  const wait = (): void => {
    const left = Math.min(limits.idleUntil, limits.expiresAt) - Date.now() - ahead;
    if (left <= warnBefore && left > 0) {
      warned = true;
      onExpiring(left);
    } else if (warned) {
      warned = false;
      onExpiring(null);
    }
    askAfter(left > warnBefore ? left - warnBefore : Math.max(left, atLeast));
  };

  const askAfter = (delay: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), Math.min(delay, longestTimer));
  };

  /** No network, or a server that cannot say: unknown is not over. */
  const ask = async (): Promise<void> => {
    if (stopped.signal.aborted) return;
    askAfter(askAgainAfter);
    const answer = await fetched(status, stopped.signal);
    if (answer?.status === 401) over(codeFrom(await answer.json().catch(() => null)));
    else if (answer?.ok && !stopped.signal.aborted) take(limitsFrom(await answer.json()));
  };

  const tell = (told: Told): void => tabs.postMessage(told);
  tabs.onmessage = ({ data }: MessageEvent<Told>) => {
    if ('limits' in data) take(data.limits);
    // The cookie is gone for every tab; which session each has drawn does not matter.
    else over(data.over);
  };
  events?.addEventListener('ended', () => void ask());
  events?.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) askAfter(askAgainAfter);
  });
  const back = { signal: stopped.signal };
  // A page out of the browser's memory shows what was; a tab in the background had its timers slowed.
  addEventListener('pageshow', ({ persisted }) => persisted && void ask(), back);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void ask(), back);
  // To load this page was a use: tabs that wait already count from it.
  tell({ limits });
  wait();

  return {
    used(next) {
      tell({ limits: next });
      take(next);
    },
    signedOut() {
      tell({ over: 'session_terminated' });
      over('session_terminated');
    },
    ask,
    stop,
  };
}

function fetched(status: string, signal: AbortSignal): Promise<Response | null> {
  const headers = { accept: 'application/json' };
  return fetch(status, { headers, cache: 'no-store', signal }).catch(() => null);
}

function limitsFrom(answer: unknown): Limits {
  const { id, now, idleUntil, expiresAt } = objectFrom(answer);
  if (
    typeof id === 'string' &&
    typeof now === 'number' &&
    typeof idleUntil === 'number' &&
    typeof expiresAt === 'number'
  ) {
    return { id, now, idleUntil, expiresAt };
  }
  throw new TypeError('watchSession: `status` answers { id, now, idleUntil, expiresAt }.');
}

function codeFrom(answer: unknown): string {
  const { code } = objectFrom(answer);
  return typeof code === 'string' ? code : 'sign_in_required';
}

function objectFrom(answer: unknown): Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null ? { ...answer } : {};
}
