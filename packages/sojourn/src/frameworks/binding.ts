import { SojournError } from '../lifecycle/errors.ts';
import { knownKeys } from '../lifecycle/policy.ts';
import type { Session, SignedInSession } from '../session.ts';
import { localPath } from '../transports/return-path.ts';
import { type Answer, type Asked, answerTo } from './answer.ts';

export interface BindingOptions {
  /** Where a person signs in; the way back travels in `?return=`. Default `/login`. */
  readonly signInPath?: string;
  /** Where a person proves themselves again; without it such a request gets 401 with a challenge. */
  readonly stepUpPath?: string;
  /** The Clear-Site-Data header of sign-out. Default `"cache", "storage"`; `false` for none. */
  readonly clearSiteData?: string | false;
}

export interface TrackRouteOptions {
  /** `visitor`: while the store cannot say, serve the route without a session, cookie untouched. Default: 503. */
  readonly whenUnknown?: 'refuse' | 'visitor';
  /** Begin a visitor's session on navigations here, whatever `policy.anonymous` says. */
  readonly eager?: boolean;
}

/** Binding options, checked. */
export interface Binding {
  readonly signInPath: string;
  readonly stepUpPath: string | null;
  readonly clearSiteData: string | false;
}

const defaults: Binding = { signInPath: '/login', stepUpPath: null, clearSiteData: '"cache", "storage"' };

export function checkBinding(options: BindingOptions = {}): Binding {
  knownKeys('binding', options, Object.keys(defaults));
  const binding = { ...defaults, ...options };
  for (const path of [binding.signInPath, binding.stepUpPath]) {
    if (path !== null && localPath(path) === null) {
      throw new SojournError(
        'option_invalid',
        `${JSON.stringify(path)} is not a path of this site. Write it as /login.`,
      );
    }
  }
  return binding;
}

export function checkRoute(options: TrackRouteOptions): TrackRouteOptions {
  knownKeys('track', options, ['whenUnknown', 'eager']);
  return options;
}

/** The session of a request that a rule let through. */
export function signedInOf<D, P extends string>(session: Session<D, P>): SignedInSession<D, P> {
  if (session.state === 'signed-in') return session;
  throw new SojournError(
    'sign_in_required',
    'signedIn: nobody is signed in on this request. Put requireSignIn before the route.',
  );
}

/** Where to go after signing in: `?return=`, if it is a path of this site; else `/`. */
export function returnPathOf(url: string): string {
  return localPath(URL.parse(url, 'http://local.invalid')?.searchParams.get('return')) ?? '/';
}

/** The answer to an error of this library; any other error is not ours and goes on. */
export function answerFor(error: unknown, asked: Asked, binding: Binding, within?: number): Answer {
  if (!(error instanceof SojournError)) throw error;
  return answerTo(error, asked, { ...binding, within });
}

/** A field of a parsed body, if there is one. */
export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && name in body
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}
