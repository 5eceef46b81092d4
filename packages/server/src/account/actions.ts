import type { FastifyReply, FastifyRequest } from 'fastify';
import { barOf, type Context, field } from '../context.ts';
import { UserError } from '../users/users.ts';
import { accountPage } from './page.ts';

/** A proof older than this does not suffice to end other sessions (ASVS 7.5.2). */
const proofLasts = 10 * 60_000;

export async function showAccount(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const session = context.web.signedIn(request);
  const { message } = session.data;
  if (message !== undefined) {
    await session.update((draft) => {
      delete draft.message;
    });
  }
  return answer(context, request, reply, { message: message ?? null });
}

async function answer(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, message = null, error = null }: { status?: number; message?: string | null; error?: string | null },
): Promise<FastifyReply> {
  const { sessions, users, web } = context;
  const session = web.signedIn(request);
  return reply
    .code(status)
    .type('text/html')
    .send(
      accountPage({
        bar: barOf(context, request),
        devices: await sessions.list(session.subject),
        own: session.id,
        message,
        error,
        askPassword: !provedLately(context, request),
        nameOf: (subject) => users.byId(subject)?.name ?? subject,
      }),
    );
}

function provedLately({ web }: Context, request: FastifyRequest): boolean {
  return web.signedIn(request).factors.some(({ at }) => Date.now() - at <= proofLasts);
}

/** The password again, where the last proof is too old: a step-up, so the old token ends. */
async function proves(context: Context, request: FastifyRequest, given: string): Promise<boolean> {
  const { users, web, throttle } = context;
  const session = web.signedIn(request);
  const user = users.byId(session.subject);
  if (user === null || session.actor || throttle.attempt(user.name, request.ip) > 0) return false;
  if ((await users.verify(user.name, given)) === null) return false;
  throttle.succeeded(user.name, request.ip);
  await session.stepUp({ factor: 'password' });
  return true;
}

async function confirmed(context: Context, request: FastifyRequest): Promise<boolean> {
  return provedLately(context, request) || (await proves(context, request, field(request, 'password')));
}

const notConfirmed = 'That is not your password. Nothing was changed.';

export async function terminateOne(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessions, web } = context;
  const { subject } = web.signedIn(request);
  const id = idOf(request);
  // Somebody else's session is as unknown as one that never was (S-36).
  const found = await sessions.find(id);
  if (found?.subject !== subject || found.ending) {
    return answer(context, request, reply, { status: 404, error: 'That session is not signed in any more.' });
  }
  if (!(await confirmed(context, request)))
    return answer(context, request, reply, { status: 403, error: notConfirmed });
  await sessions.terminate(id, { reason: 'revoked', by: subject });
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
  if (!(await confirmed(context, request)))
    return answer(context, request, reply, { status: 403, error: notConfirmed });
  const { subject, id } = web.signedIn(request);
  await sessions.terminateAll(subject, { except: id, reason: 'revoked', by: subject });
  return reply.redirect('/account', 303);
}

export async function changePassword(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessions, users, web } = context;
  const session = web.signedIn(request);
  try {
    if (!(await proves(context, request, field(request, 'current')))) {
      return answer(context, request, reply, { status: 403, error: notConfirmed });
    }
    await users.setPassword(session.subject, field(request, 'new'));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return answer(context, request, reply, { status: 400, error: error.message });
  }
  if (field(request, 'others') === 'on') {
    await sessions.terminateAll(session.subject, {
      except: session.id,
      reason: 'password_changed',
      by: session.subject,
    });
  }
  await session.update((draft) => {
    draft.message = 'Your password has been changed.';
  });
  return reply.redirect('/account', 303);
}
