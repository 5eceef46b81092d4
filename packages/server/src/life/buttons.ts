import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Context, field, liveOf } from '../context.ts';
import { prove, unprovedAnswer } from '../login/prove.ts';
import { answerLife, sayAndReturn } from './answer.ts';
import { keepCopy } from './copy.ts';
import { knock } from './exchange.ts';
import { ownToken } from './own-cookie.ts';
import { signedOut } from './tombstone.ts';

/*
 * The buttons of the life page. Each does the real thing to the visitor's own session, with the calls any
 * application would use.
 */

/** The one permission that the page gives and takes. */
const toggled = 'demo:write';

/** Begins an anonymous session, as the first write of a visitor does. */
export async function visit({ web }: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const session = web.session(request);
  if (session.state !== 'none') return reply.redirect('/', 303);
  return sayAndReturn(session, reply, 'A visit began: this browser has a session, and nobody is signed in.');
}

export async function signInHere(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = context.web.session(request);
  const username = field(request, 'username').trim();
  if (session.state === 'signed-in') return reply.redirect('/', 303);
  const old = session.state === 'anonymous' ? ownToken(context, request) : null;
  const proof = await prove(context, request, username, field(request, 'password'), ({ user, checkedAt }) =>
    session.signIn(user.id, { permissions: user.permissions, factor: 'password', checkedAt }),
  );
  if (proof.outcome !== 'proved') {
    const { status, says } = unprovedAnswer(proof);
    return answerLife(context, request, reply, { status, signIn: { error: says, username } });
  }
  keepCopy(context, request, reply, old);
  return sayAndReturn(
    session,
    reply,
    'Signed in: a new id and a new secret. The visitor’s token is worth nothing now.',
  );
}

/** A request like any other, and its answer. */
export async function makeRequest(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = context.web.session(request);
  const { exchange } = await knock(context, request, {
    says: 'A request, with the cookie this browser holds.',
    path: probePath(session.state),
    token: ownToken(context, request),
  });
  const says = exchange.status === 200 ? 'Recognised. The idle clock begins anew.' : 'Not recognised.';
  return answerLife(context, request, reply, {
    trial: {
      stage: 'tracking',
      title: 'A request',
      exchanges: [exchange],
      held: null,
      says,
      guarantee: null,
      peer: null,
    },
  });
}

/** Where it shows whose a token is. What is for people does not open to visitors. */
export function probePath(state: string): string {
  return state === 'anonymous' ? '/life/whoami' : '/session';
}

/** JSON: the live session, a visitor's too. */
export async function whoami({ web }: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { state, id, permissions } = await liveOf(web.session(request));
  return reply.send({ state, id, permissions });
}

/**
 * Gives or takes `demo:write`, for all sessions of the visitor's own subject. What else the account may
 * do stays: it is read from the account, since a session does not tell what it waits to be given.
 */
export async function changePermissions(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = context.web.signedIn(request);
  const account = context.users.byId(session.subject);
  if (session.actor || account === null) return notYours(context, request, reply);
  const others = account.permissions.filter((permission) => permission !== toggled);
  const had = session.has(toggled);
  await context.sessions.setPermissions(session.subject, had ? others : [...others, toggled]);
  if (had) return sayAndReturn(session, reply, `${toggled} was taken away. That holds from the next request on.`);
  // What is given travels with a new secret; this sends it at once instead of with the next request.
  await session.rotate();
  return sayAndReturn(
    session,
    reply,
    `${toggled} was given. It came with a new secret, and holds since that was seen.`,
  );
}

export async function rotate(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const session = await liveOf(context.web.session(request));
  keepCopy(context, request, reply, ownToken(context, request));
  await session.rotate();
  const says = 'A new secret took over. The old one still counts for 30 s; a copy that comes later ends the session.';
  return sayAndReturn(session, reply, says);
}

/**
 * Signs in again, into a session of 20 s. Nothing was proved just now, so it carries no factor: what asks
 * for a fresh proof will ask.
 */
export async function beginBrief(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = context.web.signedIn(request);
  if (session.actor) return notYours(context, request, reply);
  await session.signIn(session.subject, { kind: 'brief', permissions: session.permissions });
  keepCopy(context, request, reply, context.web.issued(request), 'brief');
  return sayAndReturn(
    session,
    reply,
    'This session ends after 20 s without a request, and after 60 s whatever happens.',
  );
}

export async function signOutHere(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = await liveOf(context.web.session(request));
  const { id } = session;
  keepCopy(context, request, reply, ownToken(context, request));
  await session.terminate();
  return answerLife(context, request, reply, { ended: id, says: signedOut });
}

/** The buttons act on the visitor's own account, never on one they only look at. */
function notYours(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const says = 'You act as somebody else, so their session is left as it is.';
  return answerLife(context, request, reply, { status: 403, says });
}
