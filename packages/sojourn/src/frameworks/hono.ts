import type { Context, MiddlewareHandler } from 'hono';
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
import { FetchWire, responseOf } from './fetch-wire.ts';

export interface HonoWeb<D, P extends string> {
  /** Middleware: `app.use(web.track)`. */
  readonly track: MiddlewareHandler;
  /** The same with options, for some routes: put it before `track`, or on their app alone. */
  trackWith(options: TrackOptions): MiddlewareHandler;
  session(c: Context): Session<D, P>;
  /** The signed-in session of a route behind `requireSignIn`. */
  signedIn(c: Context): SignedInSession<D, P>;
  /** Middleware: reads the body of an unsafe request to its end, then looks the session up once more. */
  requireSignIn(requirement?: Requirement<P>): MiddlewareHandler;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(c: Context): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(c: Context): Token | null;
}

/** Sessions for Hono 4. */
export function honoSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): HonoWeb<D, P> {
  const binding = new Binding(sessions, options);
  const exchanges = new WeakMap<Context, Exchange<D, P>>();

  const exchangeOf = (c: Context): Exchange<D, P> => {
    const exchange = exchanges.get(c);
    if (exchange) return exchange;
    throw notTracked('`app.use(web.track)` before the routes');
  };

  const trackWith = (given: TrackOptions): MiddlewareHandler => {
    const trackOptions = checkTrackOptions(given);
    return async (c, next) => {
      if (exchanges.has(c)) return next();
      const wire = new HonoWire(c);
      try {
        const exchange = new Exchange(binding, wire, trackOptions);
        const opened = exchange.open();
        if (opened instanceof Promise) await opened;
        exchanges.set(c, exchange);
      } catch (error) {
        return wire.finish(responseOf(binding.answer(error, wire)));
      }
      await next();
      // Hono keeps what a handler threw beside the answer it made of it.
      const answer = c.error instanceof SojournError ? responseOf(binding.answer(c.error, wire)) : c.res;
      const finished = wire.finish(answer);
      // Assigning merges the headers of the answer before, cookies twice.
      c.res = undefined;
      c.res = finished;
      return undefined;
    };
  };

  return {
    track: trackWith({}),
    trackWith,
    session: (c) => exchangeOf(c).use(),
    signedIn: (c) => signedInOf(exchangeOf(c).use()),
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (c, next) => {
        const exchange = exchangeOf(c);
        if (exchange.use().state !== 'none' && !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(c.req.method)) {
          // Hono keeps what it has read, so the handler can still ask for it as JSON, text or a form.
          await c.req.arrayBuffer();
        }
        const refusal = await exchange.require(checked, async () => formTokenIn(await c.req.parseBody()));
        if (refusal) return responseOf(binding.answer(refusal, new HonoWire(c), checked.within));
        await next();
        return undefined;
      };
    },
    returnPath: (c) => returnPathOf(c.req.url),
    issued: (c) => exchangeOf(c).issued,
  };
}

class HonoWire extends FetchWire {
  readonly #context: Context;

  constructor(c: Context) {
    // `@hono/node-server` puts Node's request into the environment; other platforms have no connection to show.
    super(c.req.raw, c.env?.incoming?.socket?.remoteAddress);
    this.#context = c;
  }

  override body(): Promise<Response> {
    const type = this.header('content-type');
    return this.#context.req
      .arrayBuffer()
      .then((bytes) => new Response(bytes, type === undefined ? {} : { headers: { 'content-type': type } }));
  }
}
