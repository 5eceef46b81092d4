import { neighbourhood } from '../lifecycle/budget.ts';
import { isError, isRefusal, SojournError } from '../lifecycle/errors.ts';
import type { CheckedRequirement } from '../lifecycle/permissions.ts';
import type { MaybePromise } from '../lifecycle/ports.ts';
import type { Device } from '../lifecycle/session.ts';
import type { Token } from '../lifecycle/token.ts';
import type { Carrier, Session, Write } from '../session.ts';
import { internalsOf, isFound } from '../tracked-session.ts';
import { readBearer } from '../transports/bearer.ts';
import { clearCookie, clearStrays, readCookie, setCookie } from '../transports/cookie.ts';
import { deviceOf } from '../transports/device.ts';
import { evidenceOf, isSafe, originRefusal } from '../transports/origin.ts';
import { isNavigation } from './answer.ts';
import type { Binding, Place, TrackOptions } from './binding.ts';
import { sortOut } from './duplicates.ts';
import type { Asked, Wire } from './wire.ts';

/** How one of a request's tokens is looked up: the one it is about as its route says. */
interface TrackOne {
  readonly readOnly?: boolean;
  readonly tentative?: boolean;
}

/** One request's session: the token in, the session found, the token out. The same for every framework. */
export class Exchange<D, P extends string> implements Carrier {
  readonly #binding: Binding<D, P>;
  readonly #wire: Wire;
  readonly #options: TrackOptions;
  readonly #place: Place;
  #session: Session<D, P> | null = null;
  #viaBearer = false;
  /** This answer may carry no new secret. */
  #readOnly = true;
  /** Some token came, whatever it is worth. */
  #presented = false;
  #used = false;
  #cookie: string | null = null;
  /** The token handed out on this answer, for a client that is not a browser. */
  issued: Token | null = null;

  constructor(binding: Binding<D, P>, wire: Wire, options: TrackOptions) {
    this.#binding = binding;
    this.#wire = wire;
    this.#options = options;
    this.#place = binding.placeOf(wire);
  }

  /** Finds the request's session. Throws `cross_site`, `credentials_conflict` or `store_unavailable`. */
  open(): MaybePromise<void> {
    const { cookie, upgrade, 'sec-fetch-dest': dest } = this.#wire.asked;
    const values = readCookie(cookie, this.#place.cookie.name);
    const { bearer: acceptsBearer } = this.#binding.sessions.transport;
    const bearer = acceptsBearer ? readBearer(this.#wire.header('authorization')) : null;
    if (bearer !== null && values.length > 0 && (values.length > 1 || values[0] !== bearer)) {
      throw new SojournError('credentials_conflict', 'Send the cookie or the bearer token, not both.');
    }
    this.#viaBearer = bearer !== null && values.length === 0;
    this.#presented = bearer !== null || values.length > 0;
    this.#readOnly = upgrade !== undefined || this.#takesNoSecret(dest);
    if (!this.#viaBearer && this.#acts(upgrade)) {
      const refusal = this.#foreign(values.length > 0);
      if (refusal) throw refusal;
    }
    try {
      const found = values.length > 1 ? this.#oneOf(values) : this.#track(bearer ?? values[0] ?? null);
      if (isFound(found)) return this.#opened(found);
      return this.#openLater(found);
    } catch (error) {
      this.#unknown(error);
    }
  }

  async #openLater(found: Promise<Session<D, P>>): Promise<void> {
    try {
      const opening = this.#opened(await found);
      if (opening instanceof Promise) await opening;
    } catch (error) {
      this.#unknown(error);
    }
  }

  /** The session, marking the answer as one that depends on it. */
  use(): Session<D, P> {
    const session = this.#session;
    if (session === null) throw new SojournError('not_tracked', 'The session is not found yet: await the tracking.');
    if (!this.#used && !this.#wire.headSent) {
      this.#used = true;
      this.#wire.setHeader('cache-control', 'no-store');
    }
    return session;
  }

  /**
   * What a rule finds: `null` when met, else the refusal. For an unsafe method, and where the rule asks for
   * it, the session is looked up once more: it may have ended since the request began.
   */
  require(requirement: CheckedRequirement, formToken: () => MaybePromise<unknown>): MaybePromise<SojournError | null> {
    const session = this.use();
    const unchanged = isSafe(this.#wire.method) && !requirement.fresh;
    if (unchanged || session.state === 'none') return internalsOf(session).unmet(requirement);
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
      if (isRefusal(error)) return error;
      throw error;
    }
    const unmet = internalsOf(session).unmet(requirement);
    if (unmet !== null || isSafe(this.#wire.method)) return unmet;
    if (this.#viaBearer || this.#binding.sessions.policy.formToken === 'off') return null;
    const given = this.#wire.header('sojourn-form-token') ?? (await formToken());
    if (session.verifyFormToken(given)) return null;
    return new SojournError('form_token_invalid', 'Send session.formToken as form_token or Sojourn-Form-Token.');
  }

  begin({ changesToken, needsEvidence }: Write): () => void {
    const begunAfter = this.#wire.headSent;
    if (changesToken && begunAfter) {
      throw new SojournError('response_started', 'The head has gone out: do this before answering.');
    }
    if (needsEvidence && !this.#viaBearer) {
      const refusal = this.#foreign(true);
      if (refusal) throw refusal;
    }
    return () => {
      if (begunAfter || !this.#wire.headSent) return;
      this.#report('write_not_awaited', 'the head went out during a session write: await it first.');
    };
  }

  issue(token: Token, maxAge: number | null): void {
    this.issued = token;
    if (this.#wire.headSent || this.#viaBearer) return;
    this.#setCookie(setCookie(this.#place.cookie, token.reveal(), maxAge));
  }

  clear(): void {
    if (this.#wire.headSent || this.#viaBearer) return;
    this.#setCookie(clearCookie(this.#place.cookie));
    if (this.#binding.clearSiteData !== false) this.#wire.setHeader('clear-site-data', this.#binding.clearSiteData);
  }

  async body(): Promise<Response> {
    const reading = this.#wire.body();
    if (reading !== null) return reading;
    throw new SojournError('state_invalid', 'session.body(): put the framework’s parser before requireSignIn.');
  }

  device(now: number): Device {
    return deviceOf(this.#wire.header('user-agent'), this.address, now);
  }

  get network(): string | null {
    const { address } = this;
    return address && neighbourhood(address);
  }

  /** The connection's address or, behind `trustProxy` proxies, the one that the outermost of them saw. */
  get address(): string | null {
    const { proxies } = this.#binding.sessions.transport;
    const { peer } = this.#wire;
    if (proxies === 0) return peer ?? null;
    const forwarded = (this.#wire.header('x-forwarded-for') ?? '').split(',').map((part) => part.trim());
    // Some gateways add the port: 192.0.2.77:4711, [2001:db8::1]:4711.
    const told = forwarded.at(-proxies)?.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$|^\[(.*)\](?::\d+)?$/, '$1$2') ?? '';
    // RFC 7239 lets a proxy say `unknown` or a name of its own.
    return /^(?=.*[.:])[\da-f.:]{2,45}$/i.test(told) ? told : (peer ?? null);
  }

  #track(token: string | null, { readOnly = false, tentative = false }: TrackOne = {}): MaybePromise<Session<D, P>> {
    const { passive = false, fresh = false } = this.#options;
    return this.#binding.sessions.track(token, {
      readOnly: this.#readOnly || readOnly,
      passive,
      fresh,
      bearer: this.#viaBearer,
      tentative,
      carrier: this,
    });
  }

  /** A WebSocket is opened by a GET, and then does what it likes. */
  #acts(upgrade: string | undefined): boolean {
    return !isSafe(this.#wire.method) || upgrade?.toLowerCase() === 'websocket';
  }

  /** By the route's options, or as a picture, a script, a frame: part of another page. */
  #takesNoSecret(dest: Asked['sec-fetch-dest']): boolean {
    if (this.#options.readOnly) return true;
    return dest !== undefined && dest !== 'document' && dest !== 'empty';
  }

  /**
   * A jar with several cookies of our name, as another host or path may have set. The one that is
   * good is used and set once more, the others are removed; two good ones are not for us to choose between.
   */
  async #oneOf(values: readonly string[]): Promise<Session<D, P>> {
    const { good, refused } = await sortOut(values, (value, tentative) =>
      this.#track(value, { readOnly: true, tentative }),
    );
    const { cookie, origin } = this.#place;
    const { pathname, hostname } = URL.parse(this.#wire.url, origin) ?? new URL(origin);
    const strays = clearStrays(cookie, pathname, hostname);
    if (good.size > 1) {
      this.#setCookie(clearCookie(cookie), strays);
      throw new SojournError(
        'credentials_conflict',
        'The request carries cookies of two sessions. They have been removed: sign in again.',
      );
    }
    const [value] = good.values();
    const session = value === undefined && refused ? refused : await this.#track(value ?? null);
    // It may have ended since; and rotation may have set a newer one already.
    if (value === undefined || session.state === 'none') this.#wire.setCookies([...this.#wire.cookies(), ...strays]);
    else this.#setCookie(this.#cookie ?? setCookie(cookie, value, internalsOf(session).maxAge()), strays);
    return session;
  }

  /** Why a request must not act here, by where it comes from. */
  #foreign(credentialed: boolean): SojournError | null {
    const { trusted } = this.#binding.sessions.transport.site;
    const [origin, site] = [this.#wire.header('origin'), this.#wire.header('sec-fetch-site')];
    return originRefusal(evidenceOf(this.#place.origin, trusted, origin, site), credentialed);
  }

  #opened(session: Session<D, P>): MaybePromise<void> {
    this.#session = session;
    const eager = this.#options.eager ?? this.#binding.sessions.policy.anonymous === 'eager';
    // A token that was refused may have been replaced in the jar already: a visitor's must not overwrite that one.
    if (!eager || session.state !== 'none' || session.refused || this.#wire.method !== 'GET') return;
    if (isNavigation(this.#wire)) return internalsOf(session).begin();
  }

  #unknown(error: unknown): void {
    if (!isError(error, 'store_unavailable') || this.#options.whenUnknown !== 'visitor') throw error;
    const visitor = this.#track(null);
    if (!isFound(visitor)) throw error;
    // Whose session it is cannot be said, so nothing is written: it would take the place of theirs in the jar.
    if (this.#presented) internalsOf(visitor).refuseWrites(error);
    this.#session = visitor;
  }

  /** Exactly one Set-Cookie of our name, after those that remove strays; never on a cacheable answer. */
  #setCookie(value: string, strays: readonly string[] = []): void {
    const own = `${this.#place.cookie.name}=`;
    const others = this.#wire.cookies().filter((cookie) => !cookie.startsWith(own));
    if (this.#cookie === null) this.#wire.whenSent(() => this.#check());
    this.#cookie = value;
    this.#wire.setCookies([...others, ...strays, value]);
    this.#wire.setHeader('cache-control', 'no-store');
  }

  /** No method of the answer is patched; what the application did to our headers is looked at when it is sent. */
  #check(): void {
    if (this.#cookie !== null && !this.#wire.cookies().includes(this.#cookie)) {
      this.#report('cookie_overwritten', 'the session’s cookie was lost: append to Set-Cookie, do not replace it.');
    }
    if (!/\bno-store\b|\bprivate\b/.test(this.#wire.getHeader('cache-control') ?? '')) {
      this.#report('token_cacheable', 'the session’s cookie went out cacheable: leave Cache-Control at no-store.');
    }
  }

  #report(code: 'write_not_awaited' | 'cookie_overwritten' | 'token_cacheable', message: string): void {
    const sessionId = this.#session?.id ?? undefined;
    this.#binding.sessions.report({
      level: 'error',
      code,
      message: `${this.#wire.method} ${this.#wire.url.split('?', 1)[0]}: ${message}`,
      sessionId,
    });
  }
}
