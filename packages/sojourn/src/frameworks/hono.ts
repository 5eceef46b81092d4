import type { Context, MiddlewareHandler } from 'hono';
import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Sessions } from '../sessions.ts';
import { internalsOf } from '../tracked-session.ts';
import { isSafe } from '../transports/origin.ts';
import { type BindingOptions, checkTrackOptions, type TrackOptions } from './binding.ts';
import { FetchWire, responseOf } from './fetch-wire.ts';
import { formTokenIn, Requests, type Surface } from './requests.ts';
import { bodyOf } from './wire.ts';

export interface HonoWeb<D, P extends string> extends Surface<Context, D, P> {
  /** Middleware: `app.use(web.track)`. */
  readonly track: MiddlewareHandler;
  /** The same with options, for some routes: put it before `track`, or on their app alone. */
  trackWith(options: TrackOptions): MiddlewareHandler;
  /** Middleware: reads the body of an unsafe request to its end, then looks the session up once more. */
  requireSignIn(requirement?: Requirement<P>): MiddlewareHandler;
}

/** Sessions for Hono 4. */
export function honoSessions<D, P extends string>(sessions: Sessions<D, P>, options?: BindingOptions): HonoWeb<D, P> {
  const requests = new Requests<Context, D, P>(sessions, options, '`app.use(web.track)` before the routes');
  const { binding } = requests;

  const trackWith = (given: TrackOptions): MiddlewareHandler => {
    const trackOptions = checkTrackOptions(given);
    return async (c, next) => {
      if (requests.isTracked(c)) return next();
      const wire = new HonoWire(c);
      try {
        const opening = requests.open(c, wire, trackOptions);
        if (opening instanceof Promise) await opening;
      } catch (error) {
        return wire.finish(responseOf(binding.answer(error, wire)));
      }
      await next();
      // Hono keeps what a handler threw beside the answer it made of it.
      const answer = c.error instanceof SojournError ? responseOf(binding.answer(c.error, wire)) : c.res;
      const finished = wire.finish(answer);
      if (finished === c.res) return undefined;
      // Assigning merges the headers of the answer before, cookies twice.
      c.res = undefined;
      c.res = finished;
      return undefined;
    };
  };

  return {
    ...requests.surface((c) => c.req.url),
    track: trackWith({}),
    trackWith,
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return async (c, next) => {
        const exchange = requests.of(c);
        const session = exchange.use();
        if (session.state !== 'none' && !isSafe(c.req.method)) {
          const early = internalsOf(session).unmet(checked);
          if (early) return responseOf(binding.answer(early, new HonoWire(c), checked.within));
          // Hono keeps what it has read, so the handler can still ask for it as JSON, text or a form.
          await c.req.arrayBuffer();
        }
        const found = exchange.require(checked, async () => formTokenIn(await c.req.parseBody()));
        const refusal = found instanceof Promise ? await found : found;
        if (refusal !== null) return responseOf(binding.answer(refusal, new HonoWire(c), checked.within));
        await next();
        return undefined;
      };
    },
  };
}

class HonoWire extends FetchWire {
  readonly #context: Context;
  #uncached = false;

  constructor(c: Context) {
    // `@hono/node-server` puts Node's request into the environment; other platforms have no connection to show.
    super(c.req.raw, c.env?.incoming?.socket?.remoteAddress);
    this.#context = c;
  }

  /** Hono puts it on the answers that it makes itself, which then need not be made anew. */
  override setHeader(name: string, value: string): void {
    if (name !== 'cache-control' || this.#context.finalized) super.setHeader(name, value);
    else {
      this.#uncached = true;
      this.#context.header(name, value);
    }
  }

  override finish(response: Response): Response {
    if (this.#uncached && !response.headers.has('cache-control')) super.setHeader('cache-control', 'no-store');
    return super.finish(response);
  }

  override body(): Promise<Response> {
    return this.#context.req.arrayBuffer().then((bytes) => bodyOf(bytes, this.header('content-type')));
  }
}
