import type { FastifyReply, FastifyRequest } from 'fastify';
import { changePassword, showAccount, terminateOne, terminateOthers } from './account/actions.ts';
import type { Context } from './context.ts';
import { showEvents } from './events/stream.ts';
import { showLife, showSession } from './life/actions.ts';
import {
  beginBrief,
  changePermissions,
  makeRequest,
  rotate,
  signInHere,
  signOutHere,
  visit,
  whoami,
} from './life/buttons.ts';
import { copyPath } from './life/copy.ts';
import { showEnded, tombstonesPath } from './life/tombstone.ts';
import { plant } from './life/tries/creation.ts';
import { returnLate } from './life/tries/expiry.ts';
import { replay, writeLate } from './life/tries/termination.ts';
import { alterSecret } from './life/tries/tracking.ts';
import { showLogin, signIn, signOut } from './login/actions.ts';

import { showHealth, showReadiness } from './operations/health.ts';
import { showMetrics } from './operations/metrics.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Who may: anybody, or who is signed in. */
  readonly for: 'anyone' | 'signed-in';
  /** A navigation here begins a visitor's session. */
  readonly eager?: true;
  /** The answer goes on for as long as the session does. To listen is not to use the session. */
  readonly stream?: true;
  /** A button of the life page: not there with `--no-demo`. */
  readonly demo?: true;
  readonly handle: (
    context: Context,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => FastifyReply | Promise<FastifyReply>;
}

/** What those who run the server ask. These track no session and set no cookie, so they are for anyone who gets here. */
export const operations: readonly Pick<Route, 'path' | 'handle'>[] = [
  { path: '/healthz', handle: showHealth },
  { path: '/readyz', handle: showReadiness },
  { path: '/metrics', handle: showMetrics },
];

/** The server's map: every path, who may use it, and what answers. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/', for: 'anyone', eager: true, handle: showLife },
  { method: 'GET', path: tombstonesPath, for: 'anyone', handle: showEnded },
  { method: 'GET', path: '/login', for: 'anyone', handle: showLogin },
  { method: 'POST', path: '/login', for: 'anyone', handle: signIn },
  { method: 'POST', path: '/logout', for: 'anyone', handle: signOut },
  { method: 'GET', path: '/account', for: 'signed-in', handle: showAccount },
  { method: 'POST', path: '/account/sessions/:id/terminate', for: 'signed-in', handle: terminateOne },
  { method: 'POST', path: '/account/sessions/terminate-others', for: 'signed-in', handle: terminateOthers },
  { method: 'POST', path: '/account/password', for: 'signed-in', handle: changePassword },
  { method: 'GET', path: '/session', for: 'signed-in', handle: showSession },
  { method: 'GET', path: '/session/events', for: 'anyone', stream: true, handle: showEvents },

  { method: 'POST', path: '/life/visit', for: 'anyone', demo: true, handle: visit },
  { method: 'POST', path: '/life/sign-in', for: 'anyone', demo: true, handle: signInHere },
  { method: 'POST', path: '/life/plant', for: 'anyone', demo: true, handle: plant },
  { method: 'POST', path: '/life/request', for: 'anyone', demo: true, handle: makeRequest },
  { method: 'GET', path: '/life/whoami', for: 'anyone', demo: true, handle: whoami },
  { method: 'POST', path: '/life/permissions', for: 'signed-in', demo: true, handle: changePermissions },
  { method: 'POST', path: '/life/rotate', for: 'anyone', demo: true, handle: rotate },
  { method: 'POST', path: '/life/alter', for: 'anyone', demo: true, handle: alterSecret },
  { method: 'POST', path: '/life/brief', for: 'signed-in', demo: true, handle: beginBrief },
  { method: 'POST', path: `${copyPath}/late`, for: 'anyone', demo: true, handle: returnLate },
  { method: 'POST', path: '/life/sign-out', for: 'anyone', demo: true, handle: signOutHere },
  { method: 'POST', path: copyPath, for: 'anyone', demo: true, handle: replay },
  { method: 'POST', path: '/life/late-write', for: 'signed-in', demo: true, handle: writeLate },
];
