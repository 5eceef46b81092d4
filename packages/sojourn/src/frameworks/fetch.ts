import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Token } from '../lifecycle/token.ts';
import type { Session, SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import {
  Binding,
  type BindingOptions,
  checkTrackOptions,
  notTracked,
  returnPathOf,
  signedInOf,
  type TrackOptions,
} from './binding.ts';
import { Exchange } from './exchange.ts';
import { FetchWire, responseOf } from './fetch-wire.ts';
import { Unmet } from './unmet.ts';

export interface FetchTrackOptions extends TrackOptions {
  /** The client's address, where the platform tells it. */
  readonly address?: string;
}

export interface FetchWeb<D, P extends string> {
  /**
   * The session of a request, and the headers to append to its answer once the handler is done. With
   * `readOnly` there are none to append, so headers alone suffice, as in a server component.
   */
  track(request: Request | Headers, options?: FetchTrackOptions): Promise<{ session: Session<D, P>; headers: Headers }>;
  /** Wraps a handler: tracks, answers what it throws of this library, and puts the headers on its answer. */
  handler(
    handle: (request: Request, session: Session<D, P>) => Response | Promise<Response>,
    options?: TrackOptions,
  ): (request: Request, address?: string) => Promise<Response>;
  /** `await orders(request)`: the signed-in session, or throws the refusal, which `handler` answers. */
  requireSignIn(
    requirement?: Requirement<P>,
  ): (request: Request, formToken?: unknown) => Promise<SignedInSession<D, P>>;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(request: Request): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(request: Request): Token | null;
}

/** Sessions for anything that speaks Fetch's `Request` and `Response`. */
export function fetchSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): FetchWeb<D, P> {
  const binding = new Binding(sessions, options);
  const exchanges = new WeakMap<Request | Headers, Exchange<D, P>>();

  const exchangeOf = (request: Request): Exchange<D, P> => {
    const exchange = exchanges.get(request);
    if (exchange) return exchange;
    throw notTracked('wrap the handler in `web.handler`, or call `web.track(request)` first');
  };

  const open = async (
    given: Request | Headers,
    wire: FetchWire,
    trackOptions: TrackOptions,
  ): Promise<Session<D, P>> => {
    const exchange = new Exchange(binding, wire, trackOptions);
    await exchange.open();
    exchanges.set(given, exchange);
    return exchange.use();
  };

  return {
    async track(given, { address, ...trackOptions } = {}) {
      const wire = new FetchWire(given, address);
      if (given instanceof Headers && !trackOptions.readOnly) {
        throw new SojournError(
          'option_invalid',
          'track: headers alone do not say the method. Pass the Request, or { readOnly: true }.',
        );
      }
      return { session: await open(given, wire, checkTrackOptions(trackOptions)), headers: wire.answer };
    },
    handler(handle, given = {}) {
      const trackOptions = checkTrackOptions(given);
      return async (request, address) => {
        const wire = new FetchWire(request, address);
        try {
          const session = await open(request, wire, trackOptions);
          return wire.finish(await handle(request, session));
        } catch (error) {
          const { cause, within } = Unmet.of(error);
          return wire.finish(responseOf(binding.answer(cause, wire, within)));
        }
      };
    },
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (request, formToken) => {
        const exchange = exchangeOf(request);
        const refusal = await exchange.require(checked, () => formToken);
        if (refusal) throw new Unmet(refusal, checked.within);
        return signedInOf(exchange.use());
      };
    },
    returnPath: (request) => returnPathOf(request.url),
    issued: (request) => exchangeOf(request).issued,
  };
}
