import type { FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import { type Context, liveOf } from '../../context.ts';
import { answerLife } from '../answer.ts';
import { probePath } from '../buttons.ts';
import { knock } from '../exchange.ts';
import { peers } from '../guarantees.ts';
import { altered, ownToken } from '../own-cookie.ts';
import { broken } from '../trial.ts';

/** The right id, with a secret that is wrong in one character. */
export async function alterSecret(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { state } = await liveOf(context.web.session(request));
  const token = ownToken(context, request);
  if (token === null) throw new SojournError('sign_in_required', 'This session did not come in a cookie.');
  const path = probePath(state);
  const wrong = await knock(context, request, {
    says: 'The right id, with one character of the secret altered.',
    path,
    token: altered(token),
    note: 'one character altered',
  });
  const right = await knock(context, request, { says: 'Your own token, unharmed by that.', path, token });
  const held = wrong.exchange.status === 401 && right.exchange.status === 200;
  return answerLife(context, request, reply, {
    trial: {
      stage: 'tracking',
      title: 'One character of the secret altered',
      exchanges: [wrong.exchange, right.exchange],
      held,
      says: held ? 'Refused and counted, and your session goes on.' : broken,
      guarantee: 'G1',
      peer: peers.altered,
    },
  });
}
