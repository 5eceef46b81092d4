import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { invalid, SojournError } from '../lifecycle/errors.ts';
import { checkRequirement, type Requirement } from '../lifecycle/permissions.ts';
import type { MaybePromise } from '../lifecycle/ports.ts';
import type { Sessions } from '../sessions.ts';
import { type BindingOptions, checkTrackOptions, type TrackOptions } from './binding.ts';
import { formTokenIn, Requests, type Surface } from './requests.ts';
import { type Asked, headerOf, type Wire } from './wire.ts';

type Done = (error?: Error) => void;

export interface FastifyWeb<D, P extends string> extends Surface<FastifyRequest, D, P> {
  /** A plugin: `await app.register(web.track)`. A route's `TrackOptions` stand in its `config.sojourn`. */
  track(app: FastifyInstance, options: object, done: Done): void;
  /** A `preHandler`, so after the body has been read. */
  requireSignIn(requirement?: Requirement<P>): (request: FastifyRequest, reply: FastifyReply, done: Done) => void;
  /** Answers an error of this library as a rule would and throws on any other. For error handlers. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply;
}

/** Sessions for Fastify 5. */
export function fastifySessions<D, P extends string>(
  sessions: Sessions<D, P>,
  options?: BindingOptions,
): FastifyWeb<D, P> {
  const requests = new Requests<FastifyRequest, D, P>(sessions, options, '`await app.register(web.track)` first');

  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply, within?: number): FastifyReply => {
    const { status, headers, body } = requests.binding.answer(error, new FastifyWire(request, reply), within);
    return reply.code(status).headers(headers).send(body);
  };

  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply, next: Done, within?: number): void => {
    if (error instanceof SojournError) answer(error, request, reply, within);
    else next(error instanceof Error ? error : new Error(String(error)));
  };

  // Fastify puts a route's options together anew each time they are asked for.
  let someHaveOptions = false;
  const begin = (request: FastifyRequest, reply: FastifyReply, next: Done): void => {
    let opening: MaybePromise<void>;
    try {
      const given = someHaveOptions ? trackOptionsOf(request.routeOptions.config) : none;
      opening = requests.open(request, new FastifyWire(request, reply), given);
    } catch (error) {
      refuse(error, request, reply, next);
      return;
    }
    if (opening instanceof Promise) {
      opening.then(
        () => next(),
        (error) => refuse(error, request, reply, next),
      );
    } else next();
  };

  const track = (app: FastifyInstance, _options: object, done: Done): void => {
    if (app.hasRequestDecorator('session')) {
      throw new SojournError(
        'session_taken',
        'request.session is taken, by @fastify/session perhaps: register one of them.',
      );
    }
    // Fastify makes its requests with what is declared.
    app.decorateRequest(requests.key, null);
    app.decorateRequest('session', {
      getter(this: FastifyRequest) {
        return requests.of(this).use();
      },
    });
    app.addHook('onRequest', begin);
    // Routes that were there before this plugin are not shown to it.
    someHaveOptions ||= !app.printRoutes().startsWith(noRoutes);
    app.addHook('onRoute', ({ config }) => {
      if (trackOptionsOf(config) !== none) someHaveOptions = true;
    });
    done();
  };

  return {
    ...requests.surface((request) => request.url),
    // Fastify's marks of a plugin that belongs to the instance it is registered on, not to a child of it.
    track: Object.assign(track, {
      [Symbol.for('skip-override')]: true,
      [Symbol.for('fastify.display-name')]: 'sojourn',
    }),
    requireSignIn(requirement) {
      const checked = checkRequirement(requirement);
      const go = (refusal: SojournError | null, request: FastifyRequest, reply: FastifyReply, next: Done): void =>
        refusal === null ? next() : refuse(refusal, request, reply, next, checked.within);
      return (request, reply, next) => {
        let found: MaybePromise<SojournError | null>;
        try {
          found = requests.of(request).require(checked, () => formTokenIn(request.body));
        } catch (error) {
          refuse(error, request, reply, next);
          return;
        }
        if (found instanceof Promise) {
          found.then(
            (refusal) => go(refusal, request, reply, next),
            (error) => refuse(error, request, reply, next),
          );
        } else go(found, request, reply, next);
      };
    },
    answer: (error, request, reply) => answer(error, request, reply),
  };
}

/** What Fastify prints of an instance without any. */
const noRoutes = '(empty tree)';
const none: TrackOptions = {};

function trackOptionsOf(config: object = none): TrackOptions {
  if (!('sojourn' in config)) return none;
  if (config.sojourn instanceof Object) return checkTrackOptions(config.sojourn);
  throw invalid(`config.sojourn ${JSON.stringify(config.sojourn)}: write it as { passive: true }.`);
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

  get asked(): Asked {
    return this.#request.headers;
  }

  header(name: string): string | undefined {
    return headerOf(this.#request.headers, name);
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
    if (value === undefined || this.#wentAround()) return [];
    return Array.isArray(value) ? value : [String(value)];
  }

  /** The head went out past Fastify (`reply.hijack()`, `reply.raw.end()`), and its headers not with it. */
  #wentAround(): boolean {
    const { raw } = this.#reply;
    return raw.headersSent && '_header' in raw && !/^set-cookie:/im.test(String(raw._header));
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
