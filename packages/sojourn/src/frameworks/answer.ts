import type { SojournError } from '../lifecycle/errors.ts';
import { challenge } from '../transports/bearer.ts';
import { localPath, refererPath, withReturn } from '../transports/return-path.ts';
import type { Wire } from './wire.ts';

/** An HTTP answer in no framework's terms. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What of a request decides the form of an answer to it. */
type Asked = Pick<Wire, 'method' | 'url' | 'header'>;

interface AnswerOptions {
  /** This site's scheme, host and port. */
  readonly origin: string;
  readonly signInPath: string;
  readonly stepUpPath: string | null;
  /** Span of the proof that was asked for. */
  readonly within?: number | undefined;
}

/** Whether a person waits for a page (Fetch Metadata; for older clients what they accept). */
export function isNavigation(asked: Pick<Asked, 'header'>): boolean {
  const mode = asked.header('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  return (asked.header('accept') ?? '').includes('text/html') && asked.header('x-requested-with') === undefined;
}

/** Where to come back to after signing in: of a GET its own path, of anything else the page it came from. */
function returnTo(asked: Asked, origin: string, navigation: boolean): string | null {
  return navigation && asked.method === 'GET' ? localPath(asked.url) : refererPath(asked.header('referer'), origin);
}

/** The answer to a request that a rule, or a write, refused: a redirect for people, a problem (RFC 9457) for programs. */
export function answerTo(error: SojournError, asked: Asked, options: AnswerOptions): Answer {
  const navigation = isNavigation(asked);
  const unsent = navigation && asked.method !== 'GET' && asked.method !== 'HEAD';
  const proof = error.code === 'fresh_proof_required';
  const path = proof ? options.stepUpPath : options.signInPath;
  const signIn = path === null ? null : withReturn(path, returnTo(asked, options.origin, navigation));
  if (error.status === 401 && navigation && signIn !== null) {
    const note = unsent ? `${signIn.includes('?') ? '&' : '?'}unsent=1` : '';
    return { status: 303, headers: { ...noStore, location: signIn + note }, body: '' };
  }
  const headers = { ...noStore, ...error.headers, ...(error.status === 401 ? challengeOf(error, options) : {}) };
  return navigation ? page(error, headers) : problem(error, headers, error.status === 401 ? signIn : null);
}

const noStore = { 'cache-control': 'no-store' };

function challengeOf({ code }: SojournError, { within }: AnswerOptions): Record<string, string> {
  const error =
    code === 'fresh_proof_required'
      ? 'insufficient_user_authentication'
      : code === 'sign_in_required'
        ? null
        : 'invalid_token';
  return { 'www-authenticate': challenge(error, within) };
}

/** A fault of ours is for the log; what the client may read is about its own request. */
function isTheirs({ status, code }: SojournError): boolean {
  return status < 500 || code === 'store_unavailable';
}

/** `session_expired_idle` is `Session expired idle`. */
function titleOf(error: SojournError): string {
  const words = isTheirs(error) ? error.code.replaceAll('_', ' ') : 'server error';
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function problem(error: SojournError, headers: Record<string, string>, signIn: string | null): Answer {
  const { code, status, reason, at: endedAt, message } = error;
  // What a store's driver says may name hosts and accounts.
  const detail = status < 500 ? message : 'The log says why.';
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: JSON.stringify({
      type: `urn:sojourn:${code}`,
      title: titleOf(error),
      status,
      detail,
      code,
      reason,
      // Of a token that was replaced it is when that was: its session may live on.
      endedAt: code === 'token_replaced' ? undefined : endedAt,
      signIn,
    }),
  };
}

function page(error: SojournError, headers: Record<string, string>): Answer {
  const title = titleOf(error);
  return {
    status: error.status,
    headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><h1>${title}</h1>`,
  };
}
