import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Token } from 'sojourn';
import type { Context } from '../context.ts';
import { cookieName, isSecure, tokenIn } from './own-cookie.ts';

/*
 * The copy of an old token that a thief would have, for the visitor to replay. It stays in the visitor's
 * own browser, where no script can read it and only the replay is sent it; the server keeps nothing. A
 * second cookie, which holds no secret, tells every page that there is a copy and of what.
 */

export const copyPath = '/life/replay';
const copyLasts = 600;

/** `brief`: of the 20-second session, whose limit can be waited for. */
export type CopyKind = 'brief' | 'other';

function copyName({ config }: Pick<Context, 'config'>, request: FastifyRequest): string {
  return isSecure(config, request) ? '__Secure-sojourn-copy' : `${cookieName(config, request)}-copy`;
}

function noteName(context: Pick<Context, 'config'>, request: FastifyRequest): string {
  return `${copyName(context, request)}-kept`;
}

/** Gives the browser a copy to keep, where there are buttons to use it; it takes the place of the last one. */
export function keepCopy(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  token: Token | null,
  kind: CopyKind = 'other',
): void {
  if (token === null || !context.config.demo) return;
  const attributes = `HttpOnly${isSecure(context.config, request) ? '; Secure' : ''}; SameSite=Strict; Max-Age=${copyLasts}`;
  reply.header('set-cookie', `${copyName(context, request)}=${token.reveal()}; Path=${copyPath}; ${attributes}`);
  reply.header('set-cookie', `${noteName(context, request)}=${kind}; Path=/; ${attributes}`);
}

/** The copy that this browser holds; it comes only to paths under `copyPath`. */
export function copyIn(context: Context, request: FastifyRequest): Token | null {
  return tokenIn(request, copyName(context, request));
}

/** Of what this browser holds a copy once it has this answer; `null` when of nothing. */
export function copyKept(
  context: Pick<Context, 'config'>,
  request: FastifyRequest,
  reply: FastifyReply,
): CopyKind | null {
  const name = `${noteName(context, request)}=`;
  const given = [reply.getHeader('set-cookie') ?? []].flat().map((line) => String(line).split(';', 1)[0] ?? '');
  const sent = (request.headers.cookie ?? '').split(/; ?/);
  const kept = given.findLast((pair) => pair.startsWith(name)) ?? sent.find((pair) => pair.startsWith(name));
  if (kept === undefined) return null;
  return kept === `${name}brief` ? 'brief' : 'other';
}
