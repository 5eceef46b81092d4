import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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
import type { Wire } from './wire.ts';

type Done = (error?: Error) => void;

export interface FastifyWeb<D, P extends string> {
  /** A plugin: `await app.register(web.track)`. A route's `TrackOptions` stand in its `config.sojourn`. */
  track(app: FastifyInstance, options: object, done: Done): void;
  /** The request's session; the same object as `request.session`, typed. */
  session(request: FastifyRequest): Session<D, P>;
  /** The signed-in session of a route behind `requireSignIn`. */
  signedIn(request: FastifyRequest): SignedInSession<D, P>;
  /** A `preHandler`, so after the body has been read. */
  requireSignIn(requirement?: Requirement<P>): (request: FastifyRequest, reply: FastifyReply, done: Done) => void;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(request: FastifyRequest): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(request: FastifyRequest): Token | null;
  /** Answers an error of this library as a rule would and throws on any other. For error handlers. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/** Sessions for Fastify 5. */
export function fastifySessions<D, P extends string>(
  sessions: Sessions<D, P>,
  options?: BindingOptions,
): FastifyWeb<D, P> {
  const binding = new Binding(sessions, options);
  const exchanges = new WeakMap<FastifyRequest, Exchange<D, P>>();

  const exchangeOf = (request: FastifyRequest): Exchange<D, P> => {
    const exchange = exchanges.get(request);
    if (exchange) return exchange;
    throw notTracked('`await app.register(web.track)` before the routes');
  };

  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply, within?: number): FastifyReply => {
    const { status, headers, body } = binding.answer(error, new FastifyWire(request, reply), within);
    return reply.code(status).headers(headers).send(body);
  };

  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply, next: Done, within?: number): void => {
    if (error instanceof SojournError) answer(error, request, reply, within);
    else next(error instanceof Error ? error : new Error(String(error)));
  };

  const begin = (request: FastifyRequest, reply: FastifyReply, next: Done): void => {
    try {
      const exchange = new Exchange(binding, new FastifyWire(request, reply), trackOptionsOf(request));
      exchanges.set(request, exchange);
      const opened = exchange.open();
      if (!(opened instanceof Promise)) next();
      else
        opened.then(
          () => next(),
          (error: unknown) => refuse(error, request, reply, next),
        );
    } catch (error) {
      refuse(error, request, reply, next);
    }
  };

  const track = (app: FastifyInstance, _options: object, done: Done): void => {
    if (app.hasRequestDecorator('session')) {
      throw new SojournError(
        'session_taken',
        'request.session is taken, by @fastify/session perhaps: register one of them.',
      );
    }
    app.decorateRequest('session', {
      getter(this: FastifyRequest) {
        return exchangeOf(this).use();
      },
    });
    app.addHook('onRequest', begin);
    done();
  };

  return {
    // Fastify's marks of a plugin that belongs to the instance it is registered on, not to a child of it.
    track: Object.assign(track, {
      [Symbol.for('skip-override')]: true,
      [Symbol.for('fastify.display-name')]: 'sojourn',
    }),
    session: (request) => exchangeOf(request).use(),
    signedIn: (request) => signedInOf(exchangeOf(request).use()),
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      return (request, reply, next) => {
        const settle = (refusal: SojournError | null): void => {
          if (refusal === null) next();
          else refuse(refusal, request, reply, next, checked.within);
        };
        try {
          const found = exchangeOf(request).require(checked, () => formTokenIn(request.body));
          if (found instanceof Promise) found.then(settle, (error: unknown) => refuse(error, request, reply, next));
          else settle(found);
        } catch (error) {
          refuse(error, request, reply, next);
        }
      };
    },
    returnPath: (request) => returnPathOf(request.url),
    issued: (request) => exchangeOf(request).issued,
    answer: (error, request, reply) => answer(error, request, reply),
  };
}

const none: TrackOptions = {};

function trackOptionsOf(request: FastifyRequest): TrackOptions {
  const config: object = request.routeOptions.config;
  if (!('sojourn' in config)) return none;
  return config.sojourn instanceof Object ? checkTrackOptions(config.sojourn) : none;
}

class FastifyWire implements Wire {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.#request = request;
    this.#reply = reply;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get peer(): string | undefined {
    return this.#request.socket.remoteAddress;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  get headSent(): boolean {
    return this.#reply.raw.headersSent;
  }

  setHeader(name: string, value: string): void {
    this.#reply.header(name, value);
  }

  getHeader(name: string): string | undefined {
    const value = this.#reply.getHeader(name);
    return value === undefined ? undefined : String(value);
  }

  cookies(): readonly string[] {
    const value = this.#reply.getHeader('set-cookie');
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [String(value)];
  }

  setCookies(values: readonly string[]): void {
    // Fastify appends to a Set-Cookie that is there.
    this.#reply.removeHeader('set-cookie');
    this.#reply.header('set-cookie', [...values]);
  }

  whenSent(run: () => void): void {
    this.#reply.raw.once('finish', run);
  }

  body(): null {
    return null;
  }
}
