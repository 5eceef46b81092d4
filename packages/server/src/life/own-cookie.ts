import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Token } from 'sojourn';
import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { type Html, html } from '../pages/html.ts';

/*
 * The token in the request's own Cookie header, for the pages that show a session's two sides. It stays a
 * `Token` here, which no template, log or JSON can print; what may be shown of it is made below.
 */

const tokenShape = /^([A-Za-z0-9_-]{23})\.([A-Za-z0-9_-]{43})$/;
const shownOfHash = 12;

/** Where this request reached the server: the configured origin, or the loopback host it named. */
function originOf(config: Pick<Config, 'origin'>, request: FastifyRequest): URL {
  return new URL(config.origin ?? `http://${request.headers.host}`);
}

export function isSecure(config: Pick<Config, 'origin'>, request: FastifyRequest): boolean {
  return originOf(config, request).protocol === 'https:';
}

/** What the session's cookie is called here. */
export function cookieName(config: Pick<Config, 'origin'>, request: FastifyRequest): string {
  return isSecure(config, request) ? '__Host-sojourn' : `sojourn-${originOf(config, request).port || '80'}`;
}

/** The token of a cookie by its exact name; of several, the one whose id is asked for. */
export function tokenIn(request: FastifyRequest, name: string, id: string | null = null): Token | null {
  const found = (request.headers.cookie ?? '').split(/; ?/).flatMap((pair) => tokenOf(pair, name) ?? []);
  return found.find((token) => idOf(token) === id) ?? found[0] ?? null;
}

/** The token that this request's session was found by. */
export function ownToken({ config, web }: Pick<Context, 'config' | 'web'>, request: FastifyRequest): Token | null {
  return tokenIn(request, cookieName(config, request), web.session(request).id);
}

/** The token that an answer's Set-Cookie lines give. */
export function tokenGiven(lines: readonly string[], name: string): Token | null {
  const [found = null] = lines.flatMap((line) => tokenOf(line.split(';', 1)[0] ?? '', name) ?? []);
  return found;
}

function tokenOf(pair: string, name: string): Token | null {
  if (!pair.startsWith(`${name}=`)) return null;
  const [, id, secret] = tokenShape.exec(pair.slice(name.length + 1)) ?? [];
  return id && secret ? new Token(id, secret) : null;
}

function halves(token: Token): readonly [id: string, secret: string] {
  const [, id = '', secret = ''] = tokenShape.exec(token.reveal()) ?? [];
  return [id, secret];
}

export function idOf(token: Token): string {
  return halves(token)[0];
}

/** In the secret's place. */
const mask = '••••••';

/** The token as it may be shown: the public half, and that there is another. */
export function masked(token: Token): string {
  return `${idOf(token)}.${mask}`;
}

/** Text with masked tokens, drawn so that no line breaks within a mask. */
export function unbroken(text: string): Html {
  const [first = '', ...others] = text.split(mask);
  return html`${first}${others.map((piece) => html`<span class="mask">${mask}</span>${piece}`)}`;
}

/** The beginning of the hash that the server keeps in the secret's place. */
export function shownHash(token: Token): string {
  return `${hash('sha256', halves(token)[1], 'base64url').slice(0, shownOfHash)}…`;
}

/** The same token but for one character of its secret. */
export function altered(token: Token): Token {
  const [id, secret] = halves(token);
  const at = secret.length >> 1;
  const other = secret[at] === 'A' ? 'B' : 'A';
  return new Token(id, secret.slice(0, at) + other + secret.slice(at + 1));
}
