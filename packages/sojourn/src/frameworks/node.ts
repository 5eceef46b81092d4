import type { IncomingMessage, ServerResponse } from 'node:http';
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
import { NodeWire, sendAnswer } from './node-wire.ts';
import { Unmet } from './unmet.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

export interface NodeWeb<D, P extends string> {
  /** Wraps a request listener: `createServer(web.track(handler))`. What it throws of this library is answered. */
  track(handler: Handler, options?: TrackOptions): (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  session(req: IncomingMessage): Session<D, P>;
  /** The signed-in session where `requireSignIn` was met. */
  signedIn(req: IncomingMessage): SignedInSession<D, P>;
  /** `await orders(req)`: the signed-in session, or throws the refusal, which `track` answers. */
  requireSignIn(
    requirement?: Requirement<P>,
  ): (req: IncomingMessage, formToken?: unknown) => Promise<SignedInSession<D, P>>;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(req: IncomingMessage): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(req: IncomingMessage): Token | null;
}

/** Sessions for `node:http`. */
export function nodeSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): NodeWeb<D, P> {
  const binding = new Binding(sessions, options);
  const exchanges = new WeakMap<IncomingMessage, Exchange<D, P>>();

  const exchangeOf = (req: IncomingMessage): Exchange<D, P> => {
    const exchange = exchanges.get(req);
    if (exchange) return exchange;
    throw notTracked('wrap the listener in `web.track`');
  };

  return {
    track(handler, given = {}) {
      const trackOptions = checkTrackOptions(given);
      return async (req, res) => {
        const wire = new NodeWire(req, res);
        try {
          const exchange = new Exchange(binding, wire, trackOptions);
          const opened = exchange.open();
          if (opened instanceof Promise) await opened;
          exchanges.set(req, exchange);
          await handler(req, res);
        } catch (error) {
          const { cause, within } = Unmet.of(error);
          if (res.headersSent) throw cause;
          sendAnswer(res, binding.answer(cause, wire, within));
        }
      };
    },
    session: (req) => exchangeOf(req).use(),
    signedIn: (req) => signedInOf(exchangeOf(req).use()),
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (req, formToken) => {
        const exchange = exchangeOf(req);
        const refusal = await exchange.require(checked, () => formToken);
        if (refusal) throw new Unmet(refusal, checked.within);
        return signedInOf(exchange.use());
      };
    },
    returnPath: (req) => returnPathOf(req.url ?? '/'),
    issued: (req) => exchangeOf(req).issued,
  };
}
