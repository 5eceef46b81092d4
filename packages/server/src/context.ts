import type { FastifyRequest } from 'fastify';
import { type Clock, type Session, type Sessions, SojournError } from 'sojourn';
import type { FastifyWeb } from 'sojourn/fastify';
import type { Config } from './config.ts';
import type { CatchUps } from './events/catch-up.ts';
import type { Feed } from './events/feed.ts';
import type { Frame } from './pages/layout.ts';
import type { Owed } from './users/owed.ts';
import type { Throttle } from './users/throttle.ts';
import type { Users } from './users/users.ts';

/** What this server keeps in a session. */
export interface ServerData {
  /** Said once, on whatever page comes next. */
  message?: string;
}

export type ServerSession = Session<ServerData, string>;
export type LiveSession = Exclude<ServerSession, { state: 'none' }>;
export type SignedInSession = Extract<ServerSession, { state: 'signed-in' }>;

/** What the handlers work with. */
export interface Context {
  readonly config: Config;
  readonly sessions: Sessions<ServerData, string>;
  readonly web: FastifyWeb<ServerData, string>;
  readonly users: Users;
  readonly owed: Owed;
  readonly throttle: Throttle;
  readonly clock: Clock;
  readonly feed: Feed;
  readonly catchUps: CatchUps;
}

/** The frame of the page that answers this request. The message that waits in the session is taken out of it. */
export async function frameOf(
  context: Pick<Context, 'web' | 'users'>,
  request: FastifyRequest,
  session: ServerSession = context.web.session(request),
): Promise<Frame> {
  const message = await takeMessage(session);
  return frameAround(context, request, session, message);
}

/** The frame around a page about a session, or about none. */
export function frameAround(
  { users }: Pick<Context, 'users'>,
  request: FastifyRequest,
  session: ServerSession | null,
  message: string | null = null,
): Frame {
  const path = pathnameOf(request);
  if (session?.state !== 'signed-in') return { path, message, name: null, actor: null, formToken: null };
  const nameOf = (id: string): string => users.byId(id)?.name ?? id;
  return {
    path,
    message,
    name: nameOf(session.subject),
    actor: session.actor ? nameOf(session.actor.subject) : null,
    formToken: session.formToken,
  };
}

async function takeMessage(session: ServerSession): Promise<string | null> {
  const { message } = session.data;
  if (session.state === 'none' || message === undefined) return null;
  await session.update((draft) => {
    delete draft.message;
  });
  return message;
}

/** Leaves a message for the page that comes next. */
export function say(session: ServerSession, message: string): Promise<void> {
  return session.update((draft) => {
    draft.message = message;
  });
}

/** The session, if it is live; else throws why it is not. */
export async function liveOf(session: ServerSession): Promise<LiveSession> {
  if (session.state !== 'none') return session;
  await session.assertLive();
  throw new SojournError('sign_in_required', 'This request has no session.');
}

/** The path of a request, without its query. */
function pathnameOf({ url }: Pick<FastifyRequest, 'url'>): string {
  return url.split('?', 1)[0] ?? url;
}

/** A field of a form that was sent, as text; empty when it is missing. */
export function field(request: FastifyRequest, name: string): string {
  const { body } = request;
  if (typeof body !== 'object' || body === null) return '';
  const value = Object.entries(body).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : '';
}
