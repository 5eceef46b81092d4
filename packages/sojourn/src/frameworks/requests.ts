import { SojournError } from '../lifecycle/errors.ts';
import type { MaybePromise } from '../lifecycle/ports.ts';
import type { Token } from '../lifecycle/token.ts';
import type { Session, SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { localPath } from '../transports/return-path.ts';
import { Binding, type BindingOptions, type TrackOptions } from './binding.ts';
import { Exchange } from './exchange.ts';
import type { Wire } from './wire.ts';

/** What every binding offers, each by its framework's own request. */
export interface Surface<Request, D, P extends string> {
  /** The request's session. */
  session(request: Request): Session<D, P>;
  /** The signed-in session of a route behind `requireSignIn`. */
  signedIn(request: Request): SignedInSession<D, P>;
  /** Where to go after signing in: `?return=` where it is a path of this site, else `/`. */
  returnPath(request: Request): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(request: Request): Token | null;
  /**
   * Whom a throttle counts: the client's IPv4 address or the /64 of its IPv6 address, behind `trustProxy` proxies
   * as the outermost of them saw it; `null` where it is not known.
   */
  network(request: Request): string | null;
}

/**
 * The requests of one binding. Each keeps its exchange on itself, under a name that nobody else has:
 * a WeakMap of requests costs the garbage collector more than all the rest of a look-up.
 */
export class Requests<Request extends object, D, P extends string> {
  readonly binding: Binding<D, P>;
  /** For frameworks that let a property be declared, so that all requests have it from the start. */
  readonly key: symbol = Symbol('sojourn');
  readonly #untracked: string;

  /** `untracked`: what to do about a request that nothing tracks. */
  constructor(sessions: Sessions<D, P>, options: BindingOptions | undefined, untracked: string) {
    this.binding = new Binding(sessions, options);
    this.#untracked = untracked;
  }

  /** Finds the request's session, at once where the store does. */
  open(request: Request, wire: Wire, options: TrackOptions): MaybePromise<void> {
    const exchange = new Exchange(this.binding, wire, options);
    this.#kept(request)[this.key] = exchange;
    return exchange.open();
  }

  isTracked(request: Request): boolean {
    return Boolean(this.#kept(request)[this.key]);
  }

  of(request: Request): Exchange<D, P> {
    const exchange = this.#kept(request)[this.key];
    if (exchange) return exchange;
    throw new SojournError('not_tracked', `This request was not tracked: ${this.#untracked}.`);
  }

  surface(urlOf: (request: Request) => string): Surface<Request, D, P> {
    return {
      session: (request) => this.of(request).use(),
      signedIn: (request) => signedIn(this.of(request).use()),
      returnPath: (request) =>
        localPath(URL.parse(urlOf(request), 'http://local.invalid')?.searchParams.get('return')) ?? '/',
      issued: (request) => this.of(request).issued,
      network: (request) => this.of(request).network,
    };
  }

  /** The request as the holder of our one property. */
  #kept(request: Request): Record<symbol, Exchange<D, P> | null> {
    return request as Record<symbol, Exchange<D, P> | null>;
  }
}

function signedIn<D, P extends string>(session: Session<D, P>): SignedInSession<D, P> {
  if (session.state === 'signed-in') return session;
  throw new SojournError('sign_in_required', 'signedIn: nobody is signed in. Put requireSignIn before the route.');
}

/** The form token in a parsed body, where there is one. */
export function formTokenIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'form_token' in body ? body.form_token : undefined;
}

/** For frameworks that call back: at once where the answer is there. */
export function settle<T>(
  find: () => MaybePromise<T>,
  found: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  let value: MaybePromise<T>;
  try {
    value = find();
  } catch (error) {
    failed(error);
    return;
  }
  if (value instanceof Promise) value.then(found, failed);
  else found(value);
}
