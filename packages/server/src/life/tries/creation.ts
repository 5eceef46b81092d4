import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SojournError, Token } from 'sojourn';
import { type Context, field } from '../../context.ts';
import { unprovedAnswer } from '../../login/prove.ts';
import { answerLife } from '../answer.ts';
import { keepCopy } from '../copy.ts';
import { type Exchange, knock } from '../exchange.ts';
import { peers } from '../guarantees.ts';
import { idOf, ownToken } from '../own-cookie.ts';
import { broken } from '../trial.ts';

interface Planted {
  readonly title: string;
  readonly token: Token;
  /** Nobody was ever given it. */
  readonly invented: boolean;
  /** How the attacker came by it. */
  readonly before: readonly Exchange[];
  readonly peer: string;
}

/**
 * A value is planted in the browser before the person signs in. The sign-in is a real one, sent with the
 * planted value as its cookie, and the session it makes becomes this browser's.
 */
export async function plant(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const session = context.web.session(request);
  if (session.state === 'signed-in') return reply.redirect('/', 303);
  const username = field(request, 'username').trim();
  const planted = field(request, 'planted') === 'anonymous' ? await taken(context, request) : madeUp();
  const signIn = await knock(context, request, {
    says: 'The person signs in, with the planted value in their browser.',
    method: 'POST',
    path: '/login',
    token: planted.token,
    form: { username, password: field(request, 'password') },
    navigation: true,
  });
  const { token } = signIn;
  if (token === null) {
    const { status } = signIn.exchange;
    // All that a sign-in is forbidden for.
    if (status === 403) throw new SojournError('cross_site', 'Send Sec-Fetch-Site or Origin with the sign-in.');
    return answerLife(context, request, reply, { status, signIn: { error: whyNot(status), username } });
  }
  for (const line of signIn.cookies) reply.header('set-cookie', line);
  // A visitor's token that was planted is what the sign-in ended, and it kept the copy of that.
  if (planted.invented) keepCopy(context, request, reply, session.id === null ? null : ownToken(context, request));
  // The planted value took the place of the visitor's own in the jar, so nobody holds that one any more.
  if (session.id !== null) await context.sessions.terminate(session.id, { reason: 'replaced', by: 'visitor' });
  const thief = await knock(context, request, {
    says: 'Whoever planted it sends it, and hopes to be that person.',
    path: '/session',
    token: planted.token,
  });
  const own = await knock(context, request, { says: 'The token that the sign-in made.', path: '/session', token });
  const held = thief.exchange.status === 401 && own.exchange.status === 200 && idOf(token) !== idOf(planted.token);
  return answerLife(context, request, reply, {
    session: await context.sessions.track(token.reveal(), { readOnly: true }),
    token,
    trial: {
      stage: 'creation',
      title: planted.title,
      exchanges: [...planted.before, signIn.exchange, thief.exchange, own.exchange],
      held,
      says: held ? 'Refused, and never adopted: the sign-in made another id and another secret.' : broken,
      guarantee: 'G2',
      peer: planted.peer,
    },
  });
}

function whyNot(status: number): string {
  if (status === 401) return unprovedAnswer({ outcome: 'refused' }).says;
  return status === 429 ? 'Too many attempts. Try again in a moment.' : 'The sign-in was not accepted. Try again.';
}

/** In the shape of a token, and issued by nobody. */
function madeUp(): Planted {
  const text = (bytes: number): string => randomBytes(bytes).toString('base64url');
  return {
    title: 'A made-up value, planted before sign-in',
    token: new Token(text(18).slice(0, 23), text(32)),
    invented: true,
    before: [],
    peer: peers.madeUp,
  };
}

/** A visitor's real token, taken before they sign in: this visitor's own, or one that a visit gets. */
async function taken(context: Context, request: FastifyRequest): Promise<Planted> {
  const title = 'A visitor’s real token, taken before sign-in';
  const { state } = context.web.session(request);
  const own = state === 'anonymous' ? ownToken(context, request) : null;
  if (own !== null) return { title, token: own, invented: false, before: [], peer: peers.planted };
  const says = 'The attacker visits, and is given a token like anybody.';
  const visit = await knock(context, request, { says, path: '/', token: null, navigation: true });
  // Over the budget of visits none is given; then a made-up one is all that an attacker has.
  if (visit.token === null) return madeUp();
  return { title, token: visit.token, invented: false, before: [visit.exchange], peer: peers.planted };
}
