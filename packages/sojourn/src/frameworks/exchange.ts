import { SojournError } from '../lifecycle/errors.ts';
import type { CheckedRequirement } from '../lifecycle/permissions.ts';
import type { MaybePromise } from '../lifecycle/ports.ts';
import type { Device } from '../lifecycle/session.ts';
import { parseToken, type Token } from '../lifecycle/token.ts';
import type { Carrier, Session, Write } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { readBearer } from '../transports/bearer.ts';
import { type Cookie, clearCookie, clearStrays, makeCookie, readCookie, setCookie } from '../transports/cookie.ts';
import { deviceOf } from '../transports/device.ts';
import { type Evidence, evidenceOf, isLoopback, isSafe, refusalOf } from '../transports/origin.ts';
import { isNavigation } from './answer.ts';

/** One request and the answer to it, as a framework gives them. Names of headers are in lower case. */
export interface Wire {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Of the connection. */
  readonly peer: string | undefined;
  header(name: string): string | undefined;
  readonly headSent: boolean;
  setHeader(name: string, value: string): void;
  getHeader(name: string): string | undefined;
  /** Set-Cookie values on the answer so far. */
  cookies(): readonly string[];
  setCookies(values: readonly string[]): void;
  /** Calls back when the answer has been sent. */
  whenSent(run: () => void): void;
}

export interface ExchangeOptions {
  readonly readOnly?: boolean;
  /** `visitor`: while the store cannot say, this route is served without a session. Default: 503. */
  readonly whenUnknown?: 'refuse' | 'visitor';
  /** Begins a visitor's session on this route's navigations, whatever the policy says. */
  readonly eager?: boolean;
  /** Sent at sign-out; `false` for none. */
  readonly clearSiteData?: string | false;
}

/** Duplicates of our cookie that are looked up; a jar with more is refused whole. */
const mostDuplicates = 4;

/** One request's session: the token in, the session found, the token out. */
export class Exchange<D, P extends string> implements Carrier {
  readonly #sessions: Sessions<D, P>;
  readonly #wire: Wire;
  readonly #options: ExchangeOptions;
  readonly #cookie: Cookie;
  readonly evidence: Evidence;
  /** This site's scheme, host and port. */
  readonly origin: string;
  #session: Session<D, P> | null = null;
  #viaBearer = false;
  #used = false;
  /** The token handed out on this answer, for a transport that is not a cookie. */
  issued: Token | null = null;
  #expected: string | null = null;

  /** Throws `origin_missing` for a host that only a configured origin could vouch for. */
  constructor(sessions: Sessions<D, P>, wire: Wire, options: ExchangeOptions) {
    this.#sessions = sessions;
    this.#wire = wire;
    this.#options = options;
    const { site, cookie } = sessions.transport;
    const host = wire.header('host');
    this.origin = site.origin ?? loopbackOrigin(host);
    this.#cookie = cookieFor(cookie, site.secure, this.origin);
    this.evidence = evidenceOf(site, {
      method: wire.method,
      host,
      origin: wire.header('origin'),
      secFetchSite: wire.header('sec-fetch-site'),
    });
  }

  /** Finds the request's session. Throws `cross_site`, `credentials_conflict`, or `store_unavailable`. */
  open(): MaybePromise<Session<D, P>> {
    const values = readCookie(this.#wire.header('cookie'), this.#cookie.name);
    const bearer = this.#sessions.transport.bearer ? readBearer(this.#wire.header('authorization')) : null;
    if (bearer !== null && values.length > 0 && values[0] !== bearer) {
      throw new SojournError(
        'credentials_conflict',
        'The request carries a cookie and another bearer token. Send one of them.',
      );
    }
    this.#viaBearer = bearer !== null && values.length === 0;
    if (!isSafe(this.#wire.method) && !this.#viaBearer) {
      const refusal = refusalOf(this.evidence, values.length > 0);
      if (refusal) throw refusal;
    }
    try {
      const opened = values.length > 1 ? this.#openOneOf(values) : this.#openToken(bearer ?? values[0] ?? null);
      if (!(opened instanceof Promise)) return this.#opened(opened);
      return opened.then(
        (session) => this.#opened(session),
        (error: unknown) => this.#unknown(error),
      );
    } catch (error) {
      return this.#unknown(error);
    }
  }

  /** The session, marking the answer as one that depends on it. */
  use(): Session<D, P> {
    if (this.#session === null) {
      throw new SojournError('not_tracked', 'This request was not tracked: put `track` before the route.');
    }
    if (!this.#used && !this.#wire.headSent) {
      this.#used = true;
      this.#wire.setHeader('cache-control', 'no-store');
    }
    return this.#session;
  }

  /**
   * What a rule finds: `null` when met, else the refusal. For an unsafe method the session is looked
   * up once more, for it may have ended since the request began.
   */
  require(requirement: CheckedRequirement, formToken: () => MaybePromise<unknown>): MaybePromise<SojournError | null> {
    const session = this.use();
    if (isSafe(this.#wire.method) || session.state === 'none') return unmetBy(session, requirement);
    return this.#requireFresh(session, requirement, formToken);
  }

  async #requireFresh(
    session: Exclude<Session<D, P>, { state: 'none' }>,
    requirement: CheckedRequirement,
    formToken: () => MaybePromise<unknown>,
  ): Promise<SojournError | null> {
    try {
      await session.assertLive();
    } catch (error) {
      if (error instanceof SojournError && error.status === 401) return error;
      throw error;
    }
    const unmet = unmetBy(session, requirement);
    if (unmet !== null || this.#viaBearer || this.#sessions.policy.formToken === 'off') return unmet;
    const given = this.#wire.header('sojourn-form-token') ?? (await formToken());
    return session.verifyFormToken(given)
      ? null
      : new SojournError(
          'form_token_invalid',
          'Send session.formToken as the field form_token or the header Sojourn-Form-Token.',
        );
  }

  begin({ changesToken, needsEvidence }: Write): () => void {
    const startedBefore = this.#wire.headSent;
    if (changesToken && startedBefore) {
      throw new SojournError(
        'response_started',
        'The answer’s head has gone out, so its cookie cannot change any more. Do this before answering.',
      );
    }
    if (needsEvidence && !this.#viaBearer) {
      const refusal = refusalOf(this.evidence, true);
      if (refusal) throw refusal;
    }
    return () => {
      if (!startedBefore && this.#wire.headSent) {
        this.#report(
          'write_not_awaited',
          'A session write was under way when the answer’s head went out: await it before answering.',
        );
      }
    };
  }

  issue(token: Token, maxAge: number | null): void {
    this.issued = token;
    if (this.#wire.headSent || this.#viaBearer) return;
    this.#setCookie(setCookie(this.#cookie, token.reveal(), maxAge));
  }

  clear(): void {
    if (this.#wire.headSent || this.#viaBearer) return;
    this.#setCookie(clearCookie(this.#cookie));
    const clear = this.#options.clearSiteData ?? '"cache", "storage"';
    if (clear !== false) this.#wire.setHeader('clear-site-data', clear);
  }

  device(): Device {
    return deviceOf(this.#wire.header('user-agent'), this.address, Date.now());
  }

  /** The connection's address or, behind `trustProxy` proxies, the one the outermost of them saw. */
  get address(): string | null {
    const { proxies } = this.#sessions.transport;
    const { peer } = this.#wire;
    if (proxies === 0) return peer ?? null;
    const forwarded = (this.#wire.header('x-forwarded-for') ?? '').split(',').map((part) => part.trim());
    return forwarded.at(-proxies) || peer || null;
  }

  #openToken(token: string | null): MaybePromise<Session<D, P>> {
    return this.#sessions.track(token, { readOnly: !this.#mayRotate(), carrier: this });
  }

  #mayRotate(): boolean {
    if (this.#options.readOnly || this.#viaBearer) return false;
    const dest = this.#wire.header('sec-fetch-dest');
    return (
      (dest === undefined || dest === 'document' || dest === 'empty') && this.#wire.header('upgrade') === undefined
    );
  }

  /**
   * A jar with several cookies of our name, as another host or path may have set. The one that is
   * good is used and the others are removed; two good ones are not for us to choose between.
   */
  async #openOneOf(values: readonly string[]): Promise<Session<D, P>> {
    const candidates = values.filter((value) => parseToken(value) !== null).slice(0, mostDuplicates);
    const good = new Map<string, string>();
    for (const value of candidates) {
      const session = await this.#sessions.track(value, { readOnly: true, carrier: this });
      // Of two secrets of one session the later in the jar is not the better: any that is admitted will do.
      if (session.state !== 'none' && !good.has(session.id)) good.set(session.id, value);
    }
    const url = URL.parse(this.#wire.url, this.origin);
    const strays = clearStrays(this.#cookie, url?.pathname ?? '/', new URL(this.origin).hostname);
    if (good.size > 1) {
      this.#setCookie(clearCookie(this.#cookie), strays);
      throw new SojournError(
        'credentials_conflict',
        'The request carries cookies of two sessions. They have been removed: sign in again.',
      );
    }
    const [value] = good.values();
    if (value === undefined) return this.#openToken(candidates[0] ?? null);
    const session = await this.#openToken(value);
    if (this.#expected === null && session.state !== 'none') {
      const persistent = this.#sessions.policy.kinds[session.kind]?.persistent;
      this.#setCookie(
        setCookie(this.#cookie, value, persistent ? (session.expiresAt - Date.now()) / 1000 : null),
        strays,
      );
    } else if (this.#expected !== null) {
      this.#setCookie(this.#expected, strays);
    }
    return session;
  }

  #opened(session: Session<D, P>): MaybePromise<Session<D, P>> {
    this.#session = session;
    const eager = this.#options.eager ?? this.#sessions.policy.anonymous === 'eager';
    // A token that was refused may have been replaced in the jar already: a visitor's must not overwrite that one.
    if (!eager || session.state !== 'none' || session.refused || this.#wire.method !== 'GET') return session;
    return isNavigation(this.#wire) ? beginVisit(session).then(() => session) : session;
  }

  #unknown(error: unknown): MaybePromise<Session<D, P>> {
    const unknown = error instanceof SojournError && error.code === 'store_unavailable';
    if (!unknown || this.#options.whenUnknown !== 'visitor') throw error;
    const visitor = this.#sessions.track(null, { carrier: this });
    if (visitor instanceof Promise) return visitor.then((session) => this.#opened(session));
    this.#session = visitor;
    return visitor;
  }

  /** Exactly one Set-Cookie of our name, after those that remove strays; never on a cacheable answer. */
  #setCookie(value: string, strays: readonly string[] = []): void {
    const own = `${this.#cookie.name}=`;
    const others = this.#wire.cookies().filter((cookie) => !cookie.startsWith(own));
    if (this.#expected === null) this.#wire.whenSent(() => this.#check());
    this.#expected = value;
    this.#wire.setCookies([...others, ...strays, value]);
    this.#wire.setHeader('cache-control', 'no-store');
  }

  /** No method of the answer is patched, so what the application did to our headers is looked at when it is sent. */
  #check(): void {
    if (this.#expected !== null && !this.#wire.cookies().includes(this.#expected)) {
      this.#report(
        'cookie_overwritten',
        'The answer went out without the session’s cookie: append to Set-Cookie instead of replacing it.',
      );
    }
    if (!/\bno-store\b|\bprivate\b/.test(this.#wire.getHeader('cache-control') ?? '')) {
      this.#report(
        'token_cacheable',
        'An answer that sets the session’s cookie went out cacheable: leave its Cache-Control at no-store.',
      );
    }
  }

  #report(code: 'write_not_awaited' | 'cookie_overwritten' | 'token_cacheable', message: string): void {
    this.#sessions.report({ level: 'error', code, message, sessionId: this.#session?.id ?? undefined });
  }
}

/** Internals of a session that only its binding calls. */
interface Internal {
  unmet(requirement: CheckedRequirement): SojournError['code'] | null;
  begin(): Promise<void>;
}

function internal(session: object): Internal {
  if ('unmet' in session && 'begin' in session) return session as Internal;
  throw new TypeError('not a session of this library');
}

function unmetBy(session: object, requirement: CheckedRequirement): SojournError | null {
  const code = internal(session).unmet(requirement);
  if (code === null) return null;
  const refused = 'refused' in session && session.refused instanceof Object ? session.refused : {};
  return new SojournError(code, `requireSignIn: ${code}.`, code === 'permission_missing' ? {} : refused);
}

function beginVisit(session: object): Promise<void> {
  return internal(session).begin();
}

function loopbackOrigin(host: string | undefined): string {
  const url = host === undefined ? null : URL.parse(`http://${host}`);
  if (url !== null && isLoopback(url.hostname)) return `http://${host}`;
  throw new SojournError(
    'origin_missing',
    `The host ${JSON.stringify(host ?? '')} is not loopback and no origin is configured. Set createSessions({ origin: 'https://…' }).`,
  );
}

const cookies = new Map<string, Cookie>();

/** One cookie per configuration and port: requests do not make it anew. */
function cookieFor(options: Parameters<typeof makeCookie>[0], secure: boolean, origin: string): Cookie {
  const key = `${options.name ?? ''} ${options.sameSite ?? ''} ${origin}`;
  let cookie = cookies.get(key);
  if (cookie === undefined) {
    const url = new URL(origin);
    cookie = makeCookie(options, secure, url.port || (secure ? '443' : '80'));
    cookies.set(key, cookie);
  }
  return cookie;
}
