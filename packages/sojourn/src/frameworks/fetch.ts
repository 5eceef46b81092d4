import { invalid } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Session, SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import { type BindingOptions, checkTrackOptions, type TrackOptions } from './binding.ts';
import { FetchWire, responseOf } from './fetch-wire.ts';
import { Requests, type Surface } from './requests.ts';
import { Unmet } from './unmet.ts';

export interface FetchTrackOptions extends TrackOptions {
  /** The client's address, where the platform tells it. */
  readonly address?: string;
}

export interface FetchWeb<D, P extends string> extends Omit<Surface<Request, D, P>, 'session' | 'signedIn'> {
  /**
   * The session of a request, and the headers to append to its answer once the handler is done. With
   * `readOnly` there are none to append, so headers alone suffice, as in a server component.
   */
  track(request: Request | Headers, options?: FetchTrackOptions): Promise<{ session: Session<D, P>; headers: Headers }>;
  /**
   * Wraps a handler: tracks, answers what it throws of this library, and puts the headers on its answer. A text
   * beside the request is the client's address; what platforms pass there themselves (`info`, `env`) is not read.
   */
  handler(
    handle: (request: Request, session: Session<D, P>) => Response | Promise<Response>,
    options?: TrackOptions,
  ): (request: Request, address?: unknown) => Promise<Response>;
  /** `await orders(request)`: the signed-in session, or throws the refusal, which `handler` answers. */
  requireSignIn(
    requirement?: Requirement<P>,
  ): (request: Request, formToken?: unknown) => Promise<SignedInSession<D, P>>;
}

/** Sessions for anything that speaks Fetch's `Request` and `Response`. */
export function fetchSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): FetchWeb<D, P> {
  const requests = new Requests<Request | Headers, D, P>(
    sessions,
    options,
    'wrap the handler in `web.handler`, or call `web.track(request)` first',
  );
  const { session, signedIn, returnPath, issued, network } = requests.surface((request) =>
    'url' in request ? request.url : '/',
  );

  return {
    returnPath,
    issued,
    network,
    async track(given, { address, ...trackOptions } = {}) {
      if (typeof (address ?? '') !== 'string') throw invalid('track.address: give it as a text.');
      const wire = new FetchWire(given, addressIn(address));
      if (given instanceof Headers && !trackOptions.readOnly) {
        throw invalid('track: headers alone do not say the method. Pass the Request, or { readOnly: true }.');
      }
      await requests.open(given, wire, checkTrackOptions(trackOptions));
      return { session: session(given), headers: wire.answer };
    },
    handler(handle, given = {}) {
      const trackOptions = checkTrackOptions(given);
      return async (request, address) => {
        const wire = new FetchWire(request, addressIn(address));
        try {
          const opening = requests.open(request, wire, trackOptions);
          if (opening instanceof Promise) await opening;
          return wire.finish(await handle(request, session(request)));
        } catch (error) {
          const { cause, within } = Unmet.of(error);
          return wire.finish(responseOf(requests.binding.answer(cause, wire, within)));
        }
      };
    },
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (request, formToken) => {
        const found = requests.of(request).require(checked, () => formToken);
        const refusal = found instanceof Promise ? await found : found;
        if (refusal !== null) throw new Unmet(refusal, checked.within);
        return signedIn(request);
      };
    },
  };
}

function addressIn(given: unknown): string | undefined {
  return typeof given === 'string' && given !== '' ? given : undefined;
}
