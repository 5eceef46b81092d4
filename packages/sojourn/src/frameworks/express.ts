import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Sessions } from '../sessions.ts';
import { type BindingOptions, checkTrackOptions, type TrackOptions } from './binding.ts';
import { NodeWire, sendAnswer } from './node-wire.ts';
import { formTokenIn, Requests, type Surface, settle } from './requests.ts';

export interface ExpressWeb<D, P extends string> extends Surface<Request, D, P> {
  /** Middleware: `app.use(web.track)`. */
  readonly track: RequestHandler;
  /** The same with options, for some routes: put it before `track`, or on their router alone. */
  trackWith(options: TrackOptions): RequestHandler;
  /** Middleware; put it after the body parser, so that an unsafe request is looked up once its body is there. */
  requireSignIn(requirement?: Requirement<P>): RequestHandler;
  /** Error middleware, last: answers errors of this library as a rule would and passes on any other. */
  errors(error: unknown, req: Request, res: Response, next: NextFunction): void;
}

/** Sessions for Express 5. */
export function expressSessions<D, P extends string>(
  sessions: Sessions<D, P>,
  options?: BindingOptions,
): ExpressWeb<D, P> {
  const requests = new Requests<Request, D, P>(sessions, options, '`app.use(web.track)` before the routes');

  const answer = (error: unknown, req: Request, res: Response, next: NextFunction, within?: number): void => {
    if (error instanceof SojournError && !res.headersSent) {
      sendAnswer(res, requests.binding.answer(error, new NodeWire(req, res), within));
    } else next(error);
  };

  // One for all requests: with one each, no two requests would have the same shape.
  const property: PropertyDescriptor & ThisType<Request> = {
    get() {
      return requests.of(this).use();
    },
    set() {
      throw new SojournError(
        'session_taken',
        'req.session is not to be set: sign out with terminate(), and use no other library’s sessions on this path.',
      );
    },
    configurable: true,
    enumerable: true,
  };

  const trackWith = (given: TrackOptions): RequestHandler => {
    const trackOptions = checkTrackOptions(given);
    return (req, res, next) => {
      // A router's own options went first.
      if (requests.isTracked(req)) return next();
      settle(
        () => {
          expose(req, property);
          return requests.open(req, new NodeWire(req, res), trackOptions);
        },
        () => next(),
        (error) => answer(error, req, res, next),
      );
    };
  };

  return {
    ...requests.surface((req) => req.originalUrl),
    track: trackWith({}),
    trackWith,
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return (req, res, next) =>
        settle(
          () => requests.of(req).require(checked, () => formTokenIn(req.body)),
          (refusal) => (refusal === null ? next() : answer(refusal, req, res, next, checked.within)),
          (error) => answer(error, req, res, next),
        );
    },
    errors: (error, req, res, next) => answer(error, req, res, next),
  };
}

/** `req.session`, which must not be another library's. On the request itself: a mounted application changes what it inherits. */
function expose(req: Request, property: PropertyDescriptor): void {
  if ('session' in req && req.session !== undefined) {
    throw new SojournError('session_taken', 'req.session is taken, by express-session perhaps: use one of the two.');
  }
  Object.defineProperty(req, 'session', property);
}
