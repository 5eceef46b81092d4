import type { FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import { type Context, field, frameAround, frameOf, type SignedInSession, say } from '../context.ts';
import { signOut } from '../login/actions.ts';
import { type Proved, prove, unprovedAnswer } from '../login/prove.ts';
import { passwordChanged } from '../users/owed.ts';
import { UserError } from '../users/users.ts';
import { accountPage, changedPage } from './page.ts';

/** A proof older than this does not suffice to end other sessions (ASVS 7.5.2). */
const proofLasts = 10 * 60_000;

export function showAccount(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return answer(context, request, reply);
}

async function answer(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, error = null }: { status?: number; error?: string | null } = {},
): Promise<FastifyReply> {
  const { sessions, users, web } = context;
  const session = web.signedIn(request);
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .send(
      accountPage({
        frame: await frameOf(context, request),
        devices: await sessions.list(session.subject),
        own: session.id,
        error,
        askPassword: !provedLately(context, request),
        nameOf: (subject) => users.byId(subject)?.name ?? subject,
      }),
    );
}

function provedLately({ sessions, web }: Context, request: FastifyRequest): boolean {
  const now = sessions.now();
  return web.signedIn(request).factors.some(({ at }) => now - at <= proofLasts);
}

interface Wrong {
  readonly status: number;
  readonly error: string;
}

/** The password again, and what it is asked for. What was wrong with it, `null` when nothing. */
async function proveAgain(
  context: Context,
  request: FastifyRequest,
  given: string,
  wrong: string,
  use: (proved: Proved) => Promise<void>,
): Promise<Wrong | null> {
  const session = context.web.signedIn(request);
  const user = context.users.byId(session.subject);
  if (user === null || session.actor) return { status: 403, error: notYours };
  try {
    const proof = await prove(context, request, user.name, given, use);
    if (proof.outcome === 'proved') return null;
    return proof.outcome === 'wait'
      ? { status: 429, error: unprovedAnswer(proof).says }
      : { status: 403, error: wrong };
  } catch (error) {
    if (!(error instanceof SojournError && error.code === 'subject_changed')) throw error;
    return { status: error.status, error: notTaken };
  }
}

async function confirm(context: Context, request: FastifyRequest): Promise<Wrong | null> {
  const session = context.web.signedIn(request);
  if (session.actor) return { status: 403, error: notYours };
  if (provedLately(context, request)) return null;
  const given = field(request, 'password');
  return proveAgain(context, request, given, given === '' ? notGiven : notConfirmed, (proved) =>
    stepUp(session, proved),
  );
}

/** The old token ends. Throws where the session has ended, or the account has changed since the check. */
function stepUp(session: SignedInSession, { checkedAt }: Proved): Promise<void> {
  return session.stepUp({ factor: 'password', checkedAt });
}

const notConfirmed = 'That is not your password. Nothing was changed.';
/** It may be the password before: of a form that was sent again, say, since its answer got lost. */
const notCurrent = 'That is not your current password, so it was left as it is.';
const notGiven = 'Give your password to sign out other devices. Nothing was changed.';
/** The clock may have been set back since the account changed: then to send it again is no use, and a sign-in mends it. */
const notTaken =
  'The account seems to have changed at the same moment, so what you sent was not carried out. Sign out and in again, then try once more.';
const notYours = 'You act as somebody else, so their account is left as it is.';

export async function terminateOne(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessions, web } = context;
  const { subject, id: own } = web.signedIn(request);
  const id = idOf(request);
  if (id === own) return signOut(context, request, reply);
  // Somebody else's session is as unknown as one that never was (S-36).
  const found = await sessions.find(id);
  if (found?.subject !== subject || found.ending) {
    return answer(context, request, reply, { status: 404, error: 'That session is not signed in any more.' });
  }
  const refusal = await confirm(context, request);
  if (refusal) return answer(context, request, reply, refusal);
  await sessions.terminate(id, { reason: 'revoked', by: subject });
  await say(web.session(request), `Signed out: ${found.device?.label ?? 'the device'}.`);
  return reply.redirect('/account', 303);
}

function idOf(request: FastifyRequest): string {
  const { params } = request;
  return typeof params === 'object' && params !== null && 'id' in params ? String(params.id) : '';
}

export async function terminateOthers(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessions, web } = context;
  const refusal = await confirm(context, request);
  if (refusal) return answer(context, request, reply, refusal);
  const { subject, id } = web.signedIn(request);
  const ended = await sessions.terminateAll(subject, { except: id, reason: 'revoked', by: subject });
  await say(
    web.session(request),
    ended === 1 ? 'Signed out: one other device.' : `Signed out: ${ended} other devices.`,
  );
  return reply.redirect('/account', 303);
}

export async function changePassword(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { users, web } = context;
  const session = web.signedIn(request);
  // Also where the others stay: a sign-in with the old password that is under way may not land.
  const ending = { except: field(request, 'others') === 'on' ? session.id : 'all', by: session.subject };
  try {
    const refusal = await proveAgain(context, request, field(request, 'current'), notCurrent, async (proved) => {
      const set = await users.changePassword(proved, field(request, 'new'), ending, () => stepUp(session, proved));
      if (!set) throw new SojournError('subject_changed', 'The password changed meanwhile: ask for it again.');
    });
    if (refusal) return answer(context, request, reply, refusal);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return answer(context, request, reply, { status: 400, error: error.message });
  }
  return answerChanged(context, request, reply, session);
}

/** The new password stands in the file: whatever comes between from here on, the answer says that, and nothing that denies it. */
async function answerChanged(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  session: SignedInSession,
): Promise<FastifyReply> {
  const says = (status: number, way: string): FastifyReply => {
    // Who is not signed in any more is not shown as if they were.
    const frame = frameAround(context, request, status === 401 ? null : session);
    return reply.code(status).type('text/html; charset=utf-8').send(changedPage(frame, way));
  };
  try {
    await context.owed.end(session.subject);
  } catch (error) {
    const { status, headers } = reported(context, error);
    reply.headers(headers);
    return says(status, `${useNew} ${stillOwed}`);
  }
  try {
    await say(session, passwordChanged);
  } catch (error) {
    if (error instanceof SojournError && error.status === 401) return says(401, `${useNew} ${endedMeanwhile}`);
    reported(context, error);
    return says(200, useNew);
  }
  return reply.redirect('/account', 303);
}

/** What failed once the password was set, as the log has it: not only the engine fails, the file of the accounts does too. */
function reported({ sessions }: Context, thrown: unknown): SojournError {
  const error =
    thrown instanceof SojournError
      ? thrown
      : new SojournError('store_unavailable', 'A new password is set, and what follows it failed: see the cause.', {
          cause: thrown,
        });
  const { code, message } = error;
  sessions.report({ level: 'error', code, message, error });
  return error;
}

const useNew = 'Use the new one from now on.';
const stillOwed = 'A device that was to be signed out may not be yet: it is refused from its next request on.';
const endedMeanwhile = 'Meanwhile this session has ended or goes on in another tab, so you may be asked to sign in.';
