import type { FastifyReply, FastifyRequest } from 'fastify';
import { changePassword, showAccount, terminateOne, terminateOthers } from './account/actions.ts';
import type { Context } from './context.ts';
import { showLife, showSession } from './life/actions.ts';
import { showLogin, signIn, signOut } from './login/actions.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Who may: anybody, or who is signed in. */
  readonly for: 'anyone' | 'signed-in';
  /** A navigation here begins a visitor's session. */
  readonly eager?: boolean;
  readonly handle: (
    context: Context,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => FastifyReply | Promise<FastifyReply>;
}

/** The server's map: every path, who may use it, and what answers. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/', for: 'anyone', eager: true, handle: showLife },
  { method: 'GET', path: '/login', for: 'anyone', handle: showLogin },
  { method: 'POST', path: '/login', for: 'anyone', handle: signIn },
  { method: 'POST', path: '/logout', for: 'anyone', handle: signOut },
  { method: 'GET', path: '/account', for: 'signed-in', handle: showAccount },
  { method: 'POST', path: '/account/sessions/:id/terminate', for: 'signed-in', handle: terminateOne },
  { method: 'POST', path: '/account/sessions/terminate-others', for: 'signed-in', handle: terminateOthers },
  { method: 'POST', path: '/account/password', for: 'signed-in', handle: changePassword },
  { method: 'GET', path: '/session', for: 'signed-in', handle: showSession },
];
