import type { FastifyRequest } from 'fastify';
import type { SessionSummary, Token } from 'sojourn';
import { type Context, frameOf, type ServerSession } from '../context.ts';
import type { Told } from '../events/feed.ts';
import { firstAccount } from '../login/first-account.ts';
import type { Html } from '../pages/html.ts';
import type { Frame } from '../pages/layout.ts';
import { why } from '../pages/reasons.ts';
import type { CopyKind } from './copy.ts';
import { cookieName, idOf, isSecure, masked, shownHash, tokenIn } from './own-cookie.ts';
import { endPosition, type Position, pathOf, type Step } from './path.ts';
import type { Trial } from './trial.ts';

/** What the browser holds, as far as it may be shown. */
export interface BrowserSide {
  readonly name: string;
  readonly value: string;
  readonly attributes: readonly string[];
  /** The token is refused: it lies there and is worth nothing. */
  readonly refused: boolean;
}

/** How one of the two clocks stands. */
export interface ClockFace {
  readonly until: number;
  readonly span: number;
}

/** Everything the life page shows. No secret of any token is in it. */
export interface LifeView {
  readonly frame: Frame;
  readonly demo: boolean;
  readonly now: number;
  readonly position: Position;
  /** Why the session is where it is, when it has ended. */
  readonly why: string | null;
  readonly path: readonly Step[];
  readonly browser: BrowserSide | null;
  readonly record: SessionSummary | null;
  /** Whose it is, while it lives. */
  readonly name: string | null;
  readonly hash: string | null;
  readonly idle: ClockFace | null;
  readonly absolute: ClockFace | null;
  readonly events: readonly Told[];
  /** From where on the stream of events goes on after this page. */
  readonly cursor: string;
  readonly trial: Trial | null;
  /** Of what the browser holds a copy to replay. */
  readonly copy: CopyKind | null;
  readonly signIn: { readonly error: string | null; readonly username: string };
  /** Which account there is, on a server that was started for the first time. */
  readonly hint: Html | null;
}

/** What a handler knows beyond the request. */
export interface Beyond {
  /** The session that the answer is about, where it is not the request's own any more. */
  readonly session?: ServerSession;
  /** Its token, where neither the request brought it nor the session's own binding hands it out. */
  readonly token?: Token;
  /** The session to show when none is live: one that has just ended. */
  readonly ended?: string | null;
  readonly trial?: Trial;
  /** Said on this page. */
  readonly says?: string;
  readonly copy?: CopyKind | null;
  readonly signIn?: { readonly error: string | null; readonly username: string };
}

export async function viewOf(context: Context, request: FastifyRequest, beyond: Beyond = {}): Promise<LifeView> {
  const { config, sessions, web, feed } = context;
  const { session = web.session(request), token = null, trial = null } = beyond;
  const frame = await frameOf(context, request, session);
  const { cursor } = feed;
  const id = session.id ?? beyond.ended ?? session.refused?.sessionId ?? null;
  const record = id === null ? null : await sessions.find(id);
  const events = id === null ? [] : feed.of(id);
  return {
    frame: { ...frame, message: beyond.says ?? trial?.says ?? frame.message },
    demo: config.demo,
    now: sessions.now(),
    ...standing(session, record),
    ...held(context, request, session, token),
    path: pathOf(events, record),
    events,
    cursor,
    trial,
    name: frame.name,
    copy: beyond.copy ?? null,
    signIn: beyond.signIn ?? { error: null, username: '' },
    hint: firstAccount(context),
  };
}

/** Where the session is, by itself while it lives and by its tombstone afterwards. */
function standing(
  session: ServerSession,
  record: SessionSummary | null,
): Pick<LifeView, 'position' | 'why' | 'record' | 'idle' | 'absolute'> {
  if (session.state === 'none') {
    const ending = record?.ending ?? null;
    return {
      position: ending ? endPosition(ending.reason) : 'none',
      why: ending && `It ended because ${why(ending.reason)}.`,
      record,
      idle: null,
      absolute: null,
    };
  }
  const { state, lastSeenAt, idleUntil, expiresAt, createdAt } = session;
  return {
    position: state,
    why: null,
    record: record && { ...record, lastSeenAt, idleUntil },
    idle: { until: idleUntil, span: idleUntil - lastSeenAt },
    absolute: { until: expiresAt, span: expiresAt - createdAt },
  };
}

/** The cookie as the browser has it after this answer, and the hash of it that the server has. */
function held(
  { config, sessions, web }: Context,
  request: FastifyRequest,
  session: ServerSession,
  given: Token | null,
): Pick<LifeView, 'browser' | 'hash'> {
  const name = cookieName(config, request);
  const issued = web.issued(request);
  const sent = tokenIn(request, name, session.id);
  // A rotation's new token is not the one in force until it comes back.
  const token = given ?? (issued && idOf(issued) !== (sent && idOf(sent)) ? issued : sent);
  const gone = session.state === 'none' && session.refused === null;
  if (token === null || gone) return { browser: null, hash: null };
  const persistent = session.state !== 'none' && sessions.policy.kinds[session.kind]?.persistent;
  const lasts = persistent ? 'Max-Age to the absolute limit' : 'until the browser closes';
  return {
    browser: {
      name,
      value: masked(token),
      attributes: ['HttpOnly', ...(isSecure(config, request) ? ['Secure'] : []), 'SameSite=Lax', 'Path=/', lasts],
      refused: session.state === 'none',
    },
    hash: session.state === 'none' && session.refused?.sessionId === undefined ? null : shownHash(token),
  };
}
