import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Token } from 'sojourn';
import type { Context } from '../context.ts';
import { cookieName, isSecure, tokenIn } from './own-cookie.ts';

/*
 * The copy of an old token that a thief would have, for the visitor to replay. It stays in the visitor's
 * own browser, where no script can read it and only the replay is sent it; the server keeps nothing.
 */

export const copyPath = '/life/replay';
const copyLasts = 600;

function copyName({ config }: Context, request: FastifyRequest): string {
  return isSecure(config, request) ? '__Secure-sojourn-copy' : `${cookieName(config, request)}-copy`;
}

/** Gives the browser a copy to keep; it takes the place of the last one. */
export function keepCopy(context: Context, request: FastifyRequest, reply: FastifyReply, token: Token | null): void {
  if (token === null) return;
  const secure = isSecure(context.config, request) ? '; Secure' : '';
  const attributes = `Path=${copyPath}; HttpOnly${secure}; SameSite=Strict; Max-Age=${copyLasts}`;
  reply.header('set-cookie', `${copyName(context, request)}=${token.reveal()}; ${attributes}`);
}

/** The copy that this browser holds; it comes only to paths under `copyPath`. */
export function copyIn(context: Context, request: FastifyRequest): Token | null {
  return tokenIn(request, copyName(context, request));
}
