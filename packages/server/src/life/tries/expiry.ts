import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { answerLife, lookAgain } from '../answer.ts';
import { copyIn } from '../copy.ts';
import { type Answered, knock } from '../exchange.ts';
import { peers } from '../guarantees.ts';
import { idOf, ownToken } from '../own-cookie.ts';

/** The cookie comes back after the limit: the one that lies in the jar, or its copy. */
export async function returnLate(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const own = ownToken(context, request);
  const { refused } = context.web.session(request);
  const token = refused ? own : (copyIn(context, request) ?? own);
  const says = 'The cookie comes back.';
  const answered = token && (await knock(context, request, { says, path: '/session', token }));
  const expired = answered?.exchange.code?.startsWith('session_expired') ?? false;
  return answerLife(context, request, reply, {
    session: await lookAgain(context, request),
    ended: token && expired ? idOf(token) : null,
    trial: {
      stage: 'expiry',
      title: 'The cookie comes back after the limit',
      exchanges: answered ? [answered.exchange] : [],
      held: expired ? true : null,
      says: verdictOn(answered, expired),
      guarantee: expired ? 'G6' : null,
      peer: expired ? peers.expired : null,
    },
  });
}

function verdictOn(answered: Answered | null, expired: boolean): string {
  const brief = 'Start a 20-second session and let it run out.';
  if (answered === null) return `There is no cookie to come back with. ${brief}`;
  if (expired) return 'Refused: the limit had passed, whatever the cookie says of itself.';
  return answered.exchange.status === 200
    ? 'The limit has not passed yet, so this was a request like any other, and the idle clock began anew.'
    : `Refused, though not for its age. ${brief}`;
}
