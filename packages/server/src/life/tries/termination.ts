import type { FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import type { Context } from '../../context.ts';
import { answerLife, lookAgain } from '../answer.ts';
import { copyIn, keepCopy } from '../copy.ts';
import { type Exchange, knock } from '../exchange.ts';
import { type Guarantee, peers } from '../guarantees.ts';
import { hold } from '../held.ts';
import { idOf, ownToken } from '../own-cookie.ts';
import { broken } from '../trial.ts';

/** The copy of the old token comes back. */
export async function replay(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const token = copyIn(context, request);
  const says = 'The copy of the old cookie is sent.';
  const answered = token && (await knock(context, request, { says, path: '/session', token }));
  const outcome = outcomeOf(answered?.exchange ?? null);
  const refused = answered?.exchange.status === 401;
  return answerLife(context, request, reply, {
    session: await lookAgain(context, request),
    ended: token && refused ? idOf(token) : null,
    trial: {
      stage: 'termination',
      title: 'The copy of the old cookie, replayed',
      exchanges: answered ? [answered.exchange] : [],
      held: refused ? true : null,
      says: outcome.says,
      guarantee: refused ? outcome.guarantee : null,
      peer: refused ? peers.replayed : null,
    },
  });
}

interface Outcome {
  readonly says: string;
  readonly guarantee: Guarantee;
}

function outcomeOf(exchange: Exchange | null): Outcome {
  const none =
    'This browser holds no copy. Sign in, rotate or sign out here: the old token is then kept for ten minutes.';
  if (exchange === null) return { says: none, guarantee: 'G3' };
  const admitted =
    'Admitted, for now: the secret is in force still, or was rotated away less than 30 s ago. Send it again later.';
  if (exchange.status === 200) return { says: admitted, guarantee: 'G13' };
  return outcomes[exchange.code ?? ''] ?? { says: 'Refused.', guarantee: 'G3' };
}

const outcomes: Readonly<Record<string, Outcome>> = {
  session_terminated: { says: 'Refused: the session was ended, and with it every copy of its token.', guarantee: 'G3' },
  token_replaced: { says: 'Refused: the sign-in replaced this token.', guarantee: 'G2' },
  session_expired_idle: { says: 'Refused: the session had not been used in time.', guarantee: 'G6' },
  session_expired_absolute: { says: 'Refused: the session had reached its time limit.', guarantee: 'G6' },
  rotation_lost: {
    says: 'Refused, and the session has ended: a secret that was rotated away came back after its grace.',
    guarantee: 'G13',
  },
  reuse_detected: { says: 'Refused, and the session has ended: an old copy of its secret was used.', guarantee: 'G13' },
  sign_in_required: { says: 'Refused: nobody was ever given this token.', guarantee: 'G1' },
};

/**
 * A write begun before the sign-out: a real change of permissions is let in, all but the last byte of its
 * body. Then the session is signed out, and then that byte comes. This does sign the visitor out.
 */
export async function writeLate(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const session = context.web.signedIn(request);
  const { id, formToken } = session;
  const token = ownToken(context, request);
  if (token === null) throw new SojournError('sign_in_required', 'This session did not come in a cookie.');
  keepCopy(context, request, reply, token);
  const form = { ...(formToken === null ? {} : { form_token: formToken }), late: 'yes' };
  const write = { says: 'The last byte comes.', path: '/life/permissions', note: 'let in before' };
  const held = await hold(context, request, { ...write, method: 'POST', token, form });
  const says = 'A change of permissions waits for its last byte. Meanwhile the session is signed out.';
  const out = await knock(context, request, { says, method: 'POST', path: '/logout', token, form, navigation: true });
  const written = await held.finish();
  // It has ended; what is left to do is to take the cookie away.
  await session.terminate();
  const after = await knock(context, request, { says: 'The token, after the write.', path: '/session', token });
  const refused = written.status === 401 && after.exchange.status === 401;
  return answerLife(context, request, reply, {
    ended: id,
    trial: {
      stage: 'termination',
      title: 'A write begun before the sign-out',
      exchanges: [out.exchange, written, after.exchange],
      held: refused,
      says: refused
        ? 'Refused: the write found the session ended, changed nothing, and did not bring it back.'
        : broken,
      guarantee: 'G17',
      peer: peers.lateWrite,
    },
  });
}
