import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Token } from '../lifecycle/token.ts';
import type { Session, SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import {
  Binding,
  type BindingOptions,
  checkTrackOptions,
  formTokenIn,
  notTracked,
  returnPathOf,
  signedInOf,
  type TrackOptions,
} from './binding.ts';
import { Exchange } from './exchange.ts';
import { NodeWire, sendAnswer } from './node-wire.ts';

export interface ExpressWeb<D, P extends string> {
  /** Middleware: `app.use(web.track)`. */
  readonly track: RequestHandler;
  /** The same with options, for some routes: put it before `track`, or on their router alone. */
  trackWith(options: TrackOptions): RequestHandler;
  /** The request's session; the same object as `req.session`, typed. */
  session(req: Request): Session<D, P>;
  /** The signed-in session of a route behind `requireSignIn`. */
  signedIn(req: Request): SignedInSession<D, P>;
  /** Middleware; put it after the body parser, so that an unsafe request is looked up once its body is there. */
  requireSignIn(requirement?: Requirement<P>): RequestHandler;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(req: Request): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(req: Request): Token | null;
  /** Error middleware, last: answers errors of this library as a rule would and passes on any other. */
  errors(error: unknown, req: Request, res: Response, next: NextFunction): void;
}

/** Sessions for Express 5. */
export function expressSessions<D, P extends string>(
  sessions: Sessions<D, P>,
  options?: BindingOptions,
): ExpressWeb<D, P> {
  const binding = new Binding(sessions, options);
  const exchanges = new WeakMap<Request, Exchange<D, P>>();

  const exchangeOf = (req: Request): Exchange<D, P> => {
    const exchange = exchanges.get(req);
    if (exchange) return exchange;
    throw notTracked('`app.use(web.track)` before the routes');
  };

  const answer = (error: unknown, req: Request, res: Response, next: NextFunction, within?: number): void => {
    if (error instanceof SojournError && !res.headersSent) {
      sendAnswer(res, binding.answer(error, new NodeWire(req, res), within));
    } else next(error);
  };

  const trackWith = (given: TrackOptions): RequestHandler => {
    const trackOptions = checkTrackOptions(given);
    return async (req, res, next) => {
      // A router's own options went first.
      if (exchanges.has(req)) return next();
      try {
        expose(req, () => exchangeOf(req).use());
        const exchange = new Exchange(binding, new NodeWire(req, res), trackOptions);
        await exchange.open();
        exchanges.set(req, exchange);
      } catch (error) {
        return answer(error, req, res, next);
      }
      next();
    };
  };

  return {
    track: trackWith({}),
    trackWith,
    session: (req) => exchangeOf(req).use(),
    signedIn: (req) => signedInOf(exchangeOf(req).use()),
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (req, res, next) => {
        let refusal: SojournError | null;
        try {
          refusal = await exchangeOf(req).require(checked, () => formTokenIn(req.body));
        } catch (error) {
          return answer(error, req, res, next);
        }
        if (refusal === null) next();
        else answer(refusal, req, res, next, checked.within);
      };
    },
    returnPath: (req) => returnPathOf(req.originalUrl),
    issued: (req) => exchangeOf(req).issued,
    errors: (error, req, res, next) => answer(error, req, res, next),
  };
}

/** `req.session`, which must not be another library's. */
function expose(req: Request, get: () => unknown): void {
  if ('session' in req && req.session !== undefined) {
    throw new SojournError('session_taken', 'req.session is taken, by express-session perhaps: use one of the two.');
  }
  Object.defineProperty(req, 'session', { get, configurable: true, enumerable: true });
}
