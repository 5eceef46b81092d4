import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { Token } from '../lifecycle/token.ts';
import type { Session, SignedInSession } from '../session.ts';
import type { Sessions } from '../sessions.ts';
import type { Asked } from './answer.ts';
import {
  answerFor,
  type BindingOptions,
  checkBinding,
  checkRoute,
  fieldOf,
  returnPathOf,
  signedInOf,
  type TrackRouteOptions,
} from './binding.ts';
import { Exchange, type Wire } from './exchange.ts';

type Done = (error?: Error) => void;

export interface FastifyWeb<D, P extends string> {
  /** A plugin: `await app.register(web.track)`. A route's options stand in its `config.sojourn`. */
  track(app: FastifyInstance, options: object, done: Done): void;
  /** The request's session; the same object as `request.session`, typed. */
  session(request: FastifyRequest): Session<D, P>;
  /** The signed-in session of a route behind `requireSignIn`. */
  signedIn(request: FastifyRequest): SignedInSession<D, P>;
  /** A `preHandler`: after the body has been read. */
  requireSignIn(requirement?: Requirement<P>): (request: FastifyRequest, reply: FastifyReply, done: Done) => void;
  /** Where to go after signing in: validated, `/` when there is nowhere. */
  returnPath(request: FastifyRequest): string;
  /** The token handed out on this answer, for clients that carry it as a bearer. */
  issued(request: FastifyRequest): Token | null;
  /** Answers an error of this library as a rule would; rethrows any other. For error handlers. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/** Sessions for Fastify 5. */
export function fastifySessions<D, P extends string>(
  sessions: Sessions<D, P>,
  options?: BindingOptions,
): FastifyWeb<D, P> {
  const binding = checkBinding(options);
  const exchanges = new WeakMap<FastifyRequest, Exchange<D, P>>();

  const exchangeOf = (request: FastifyRequest): Exchange<D, P> => {
    const exchange = exchanges.get(request);
    if (exchange) return exchange;
    throw new SojournError(
      'not_tracked',
      'This request was not tracked: `await app.register(web.track)` before the routes.',
    );
  };

  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply, within?: number): FastifyReply => {
    const { status, headers, body } = answerFor(error, asked(request), binding, within);
    return reply.code(status).headers(headers).send(body);
  };

  const asked = (request: FastifyRequest): Asked => {
    const wire = new FastifyWire(request, null);
    const { origin } = sessions.transport.site;
    return {
      method: request.method,
      url: request.url,
      origin: origin ?? `http://${request.headers.host ?? ''}`,
      header: (name) => wire.header(name),
    };
  };

  const track = (app: FastifyInstance, _options: object, done: Done): void => {
    if (app.hasRequestDecorator('session')) {
      throw new SojournError(
        'session_taken',
        'request.session is taken, by @fastify/session perhaps: register one of the two.',
      );
    }
    app.decorateRequest('session', {
      getter(this: FastifyRequest) {
        return exchangeOf(this).use();
      },
    });
    app.addHook('onRequest', (request, reply, next) => {
      try {
        const route = checkRoute(routeOptions(request));
        const exchange = new Exchange(sessions, new FastifyWire(request, reply), { ...binding, ...route });
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
    });
    done();
  };

  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply, next: Done, within?: number): void => {
    if (!(error instanceof SojournError)) {
      next(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (error.status >= 500) sessions.report({ level: 'error', code: error.code, message: error.message, error });
    answer(error, request, reply, within);
  };

  return {
    // Fastify's mark of a plugin that belongs to the instance it is registered on, not to a child of it.
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
          const result = exchangeOf(request).require(checked, () => fieldOf(request.body, 'form_token'));
          if (!(result instanceof Promise)) settle(result);
          else result.then(settle, (error: unknown) => refuse(error, request, reply, next));
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

function routeOptions(request: FastifyRequest): TrackRouteOptions {
  const config: object = request.routeOptions.config;
  const given = 'sojourn' in config ? config.sojourn : undefined;
  return given instanceof Object ? given : {};
}

class FastifyWire implements Wire {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply | null;

  constructor(request: FastifyRequest, reply: FastifyReply | null) {
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
    return this.#answer.raw.headersSent;
  }

  setHeader(name: string, value: string): void {
    this.#answer.header(name, value);
  }

  getHeader(name: string): string | undefined {
    const value = this.#answer.getHeader(name);
    return value === undefined ? undefined : String(value);
  }

  cookies(): readonly string[] {
    const value = this.#answer.getHeader('set-cookie');
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [String(value)];
  }

  setCookies(values: readonly string[]): void {
    this.#answer.removeHeader('set-cookie');
    this.#answer.header('set-cookie', [...values]);
  }

  whenSent(run: () => void): void {
    this.#answer.raw.once('finish', run);
  }

  get #answer(): FastifyReply {
    if (this.#reply === null) throw new TypeError('this wire only reads');
    return this.#reply;
  }
}
