import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { answerLife } from './answer.ts';

/*
 * Who signed out, or watched a session to its end, may look at its tombstone, whether or not their cookie
 * has gone by then: the stream hears of an end before the answer that takes the cookie away. They are given
 * a leave to look, which this process made, only it can check, and which lasts some minutes.
 */

const key = randomBytes(32);
const leaveLasts = 10 * 60_000;

export const tombstonesPath = '/ended';
export const signedOut = 'Signed out: the session has ended, here and for every copy of its token.';

function sealOf(id: string, until: string): Buffer {
  return createHmac('sha256', key).update(`${id} ${until}`).digest();
}

/** The path of the life page as it is after the end of this session. */
export function tombstonePath({ clock }: Pick<Context, 'clock'>, id: string): string {
  const until = String(clock.now() + leaveLasts);
  return `${tombstonesPath}?${new URLSearchParams({ session: id, until, leave: sealOf(id, until).toString('hex') })}`;
}

/** The ended session that a request may look at; `null` without a leave of this process. */
function tombstoneOf({ clock }: Pick<Context, 'clock'>, { url }: Pick<FastifyRequest, 'url'>): string | null {
  const { searchParams } = new URL(url, 'http://local.invalid');
  const [id = '', until = '', leave = ''] = ['session', 'until', 'leave'].map((name) => searchParams.get(name) ?? '');
  const given = Buffer.from(leave, 'hex');
  const seal = sealOf(id, until);
  const isOurs = given.length === seal.length && timingSafeEqual(given, seal);
  return isOurs && clock.now() < Number(until) ? id : null;
}

/** `GET /ended`: the life page after the end. It begins no new visit, and shows a live session in its place. */
export async function showEnded(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const id = tombstoneOf(context, request);
  if (id === null || context.web.session(request).state !== 'none') return reply.redirect('/', 303);
  const reason = (await context.sessions.find(id))?.ending?.reason;
  return answerLife(context, request, reply, { ended: id, ...(reason === 'signed_out' ? { says: signedOut } : {}) });
}
