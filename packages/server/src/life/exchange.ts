import type { FastifyRequest, InjectOptions } from 'fastify';
import type { Token } from 'sojourn';
import type { Context } from '../context.ts';
import { cookieName, masked, tokenGiven } from './own-cookie.ts';

/** One thing that was sent and what came back, as a page may show it. */
export interface Exchange {
  readonly says: string;
  /** Lines; the secret half of any token is masked. */
  readonly sent: readonly string[];
  readonly status: number;
  readonly code: string | null;
  readonly reason: string | null;
  /** What a good answer gave. */
  readonly gave: string | null;
}

/** A request to send with a token of one's choice. */
export interface Knock {
  readonly says: string;
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly token: Token | null;
  /** What is odd about the token, beside its masked value. */
  readonly note?: string;
  readonly form?: Readonly<Record<string, string>>;
  /** As a person's browser asks for a page; default: as a program asks for data. */
  readonly navigation?: boolean;
}

export interface Answered {
  readonly exchange: Exchange;
  /** Set-Cookie lines of the answer, for the browser and for nobody's eyes. */
  readonly cookies: readonly string[];
  /** The token that they set, if they do. */
  readonly token: Token | null;
}

/**
 * Sends a request through this server's own front door, hooks, rules and all, from the address and the
 * browser of the person who asks for it.
 */
export async function knock({ config }: Context, request: FastifyRequest, wish: Knock): Promise<Answered> {
  const { says } = wish;
  const name = cookieName(config, request);
  const answer = await request.server.inject(injectionOf(request, wish, name));
  const cookies = [answer.headers['set-cookie'] ?? []].flat();
  const given = tokenGiven(cookies, name);
  const told = toldIn(answer.body, answer.headers['content-type']);
  return {
    cookies,
    token: given,
    exchange: {
      says,
      sent: linesOf(wish, name),
      status: answer.statusCode,
      ...told,
      gave: given ? `Set-Cookie: ${name}=${masked(given)}` : told.gave,
    },
  };
}

/** The request as it may be shown. */
export function linesOf({ method = 'GET', path, token, note }: Knock, name: string): string[] {
  const cookie = token ? `${name}=${masked(token)}${note ? `  (${note})` : ''}` : '(none)';
  return [`${method} ${path}`, `Cookie: ${cookie}`];
}

function injectionOf(request: FastifyRequest, wish: Knock, name: string): InjectOptions {
  const { method = 'GET', path, form } = wish;
  return {
    method,
    url: path,
    remoteAddress: request.socket.remoteAddress ?? '127.0.0.1',
    headers: headersOf(request, wish, name),
    ...(form ? { payload: new URLSearchParams(form).toString() } : {}),
  };
}

/** Where the request came from is told as it was: what does not show that it is this site's own may not act here either. */
const passedOn = ['host', 'user-agent', 'x-forwarded-for', 'origin', 'sec-fetch-site'];

/** As the browser that asked would send it, with the wished-for token in the cookie's place. */
export function headersOf(
  request: FastifyRequest,
  { token, form, navigation = false }: Knock,
  name: string,
): Record<string, string> {
  const asked = navigation
    ? { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    : { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
  const came = passedOn.flatMap((header) => {
    const value = request.headers[header];
    return value === undefined ? [] : [[header, String(value)]];
  });
  return {
    ...Object.fromEntries(came),
    ...asked,
    ...(token ? { cookie: `${name}=${token.reveal()}` } : {}),
    ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
  };
}

/** Code and reason of a problem, or whom a good answer speaks of. */
export function toldIn(text: string, type: unknown): Pick<Exchange, 'code' | 'reason' | 'gave'> {
  const body: Readonly<Record<string, unknown>> = /json/.test(String(type)) ? JSON.parse(text) : {};
  const { code, reason, state = 'signed-in', permissions } = body;
  const recognised = Array.isArray(permissions)
    ? `${String(state)}, permissions: ${permissions.length > 0 ? permissions.join(', ') : 'none'}`
    : null;
  return {
    code: typeof code === 'string' ? code : null,
    reason: typeof reason === 'string' ? reason : null,
    gave: recognised,
  };
}
