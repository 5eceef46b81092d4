import { invalid, SojournError } from '../lifecycle/errors.ts';
import { knownKeys, oneOf } from '../lifecycle/options.ts';
import type { Sessions } from '../sessions.ts';
import { type Cookie, makeCookie } from '../transports/cookie.ts';
import { isLoopback } from '../transports/origin.ts';
import { localPath } from '../transports/return-path.ts';
import { type Answer, answerTo } from './answer.ts';
import type { Wire } from './wire.ts';

export interface BindingOptions {
  /** Where a person signs in; the way back travels in `?return=`. Default `/login`. */
  readonly signInPath?: string;
  /** Where a person proves themselves again; without it such a request gets 401 with a challenge. */
  readonly stepUpPath?: string;
  /** The Clear-Site-Data header of sign-out. Default `"cache", "storage"`; `false` for none. */
  readonly clearSiteData?: string | false;
}

/** How one route is tracked. */
export interface TrackOptions {
  /** `visitor`: while the store cannot say, serve the route without a session, cookie untouched. Default `refuse`: 503. */
  readonly whenUnknown?: 'refuse' | 'visitor';
  /** Begin a visitor's session on navigations here, whatever `policy.anonymous` says. */
  readonly eager?: boolean;
  /** Never rotate, so that no cookie needs to be set. */
  readonly readOnly?: boolean;
  /** Requests here are not use and do not move the idle limit: a status that a page polls, an event stream. */
  readonly passive?: boolean;
  /** Look the session up in the store, whatever this process remembers of it: nothing that has ended is served. */
  readonly fresh?: boolean;
}

/** Under which origin a request is served, and the cookie that goes with it. */
export interface Place {
  readonly origin: string;
  readonly cookie: Cookie;
}

const defaults = { signInPath: '/login', stepUpPath: null, clearSiteData: '"cache", "storage"' } as const;
/** Ports of loopback hosts remembered at once. */
const mostPlaces = 64;
/** RFC 9110 §7.2. A URL would take more: a name of a user, a path. */
const hostAndPort = /^(\[::1\]|[\w.-]+)(:\d+)?$/;

/** What a framework's binding is made with, checked once. */
export class Binding<D, P extends string> {
  readonly sessions: Sessions<D, P>;
  readonly signInPath: string;
  readonly stepUpPath: string | null;
  readonly clearSiteData: string | false;
  readonly #fixed: Place | null;
  readonly #places = new Map<string, Place>();
  /** Once: who asks chooses the host. */
  #toldOfRelaxed = false;

  constructor(sessions: Sessions<D, P>, options: BindingOptions = {}) {
    if (typeof sessions?.track !== 'function') throw invalid('binding: pass first what createSessions() answered.');
    knownKeys('binding', options, Object.keys(defaults));
    const given = { ...defaults, ...options };
    for (const path of [given.signInPath, given.stepUpPath]) {
      if (path !== null && localPath(path) === null) {
        throw invalid(`${JSON.stringify(path)}: write a path of this site, as /login.`);
      }
    }
    if (given.clearSiteData !== false && !/^("\w+"(, )?)+$/.test(given.clearSiteData)) {
      throw invalid(`clearSiteData ${given.clearSiteData}: write it as "cache", "storage", with the quotes, or false.`);
    }
    this.sessions = sessions;
    this.signInPath = given.signInPath;
    this.stepUpPath = given.stepUpPath;
    this.clearSiteData = given.clearSiteData;
    const { origin } = sessions.transport.site;
    this.#fixed = origin === null ? null : this.#place(origin);
  }

  /** Throws `origin_missing` for a host that only a configured origin could vouch for. */
  placeOf(wire: Wire): Place {
    if (this.#fixed) return this.#fixed;
    const host = wire.header('host');
    const known = host === undefined ? undefined : this.#places.get(host);
    if (known) return known;
    const url = host !== undefined && hostAndPort.test(host) ? URL.parse(`http://${host}`) : null;
    if (host === undefined || url === null || !isLoopback(url.hostname)) {
      throw new SojournError(
        'origin_missing',
        `Host ${JSON.stringify(host ?? '')} is not loopback: set createSessions({ origin: 'https://…' }).`,
      );
    }
    if (this.#places.size >= mostPlaces) this.#places.clear();
    const place = this.#place(url.origin);
    this.#places.set(host, place);
    if (!this.#toldOfRelaxed) {
      this.#toldOfRelaxed = true;
      this.sessions.report({
        level: 'info',
        code: 'relaxed_cookie',
        message: `${url.origin} is loopback: the cookie is ${place.cookie.name}, without Secure. Set origin in production.`,
      });
    }
    return place;
  }

  /** The answer to an error of this library; any other error is not ours and is thrown on. */
  answer(error: unknown, wire: Wire, within?: number): Answer {
    if (!(error instanceof SojournError)) throw error;
    if (error.status >= 500) this.report(error);
    const host = wire.header('host');
    const origin = this.sessions.transport.site.origin ?? `http://${host ?? ''}`;
    return answerTo(error, wire, { origin, signInPath: this.signInPath, stepUpPath: this.stepUpPath, within });
  }

  report(error: SojournError): void {
    const { code, message, sessionId } = error;
    this.sessions.report({ level: 'error', code, message, sessionId, error });
  }

  #place(origin: string): Place {
    const { site, cookie } = this.sessions.transport;
    const { port } = new URL(origin);
    return { origin, cookie: makeCookie(cookie, site.secure, port || (site.secure ? '443' : '80')) };
  }
}

export function checkTrackOptions(options: TrackOptions): TrackOptions {
  knownKeys('track', options, ['whenUnknown', 'eager', 'readOnly', 'passive', 'fresh']);
  oneOf('track.whenUnknown', options.whenUnknown ?? 'refuse', ['refuse', 'visitor']);
  return options;
}
