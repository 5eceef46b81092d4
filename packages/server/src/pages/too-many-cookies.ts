import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { headersOf } from '../headers.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/*
 * A browser that holds too many cookies of this site, planted from a sibling host perhaps, could never
 * come back: each request is too large to be read. So the refusal takes the cookies away (S-32). It does so
 * only where the cookies alone are too much: anybody can make a link whose address is.
 */

/** Bytes of address and headers that are served. */
const mostServed = 16 * 1024;
/** Bytes of them that Node is to read, so that of one that is refused it is mostly known what made it large. */
export const mostRead: number = 32 * 1024;
/** Other headers take less than the rest, so cookies of fewer bytes are not what made a request too large. */
const fewCookies = 12 * 1024;

/** What Node tells of a request that it could not read. */
interface Unreadable extends Error {
  readonly code?: string;
  readonly rawPacket?: unknown;
  readonly bytesParsed?: number;
}

const mostNames = 200;
const stayAfter = 2000;
const status = '431 Request Header Fields Too Large';

type Where = Pick<Config, 'origin'>;

/** Refuses a request that was read and is too large. */
export function tooLarge(config: Where): (request: FastifyRequest, reply: FastifyReply, next: () => void) => void {
  return ({ raw, url, headers }, reply, next) => {
    const { cookie = '', referer = '' } = headers;
    const size = raw.rawHeaders.reduce((sum, text) => sum + text.length + 2, url.length);
    if (size <= mostServed) {
      next();
      return;
    }
    // Whoever writes a link has a say in its address and in the Referer.
    const tooMany = size - url.length - referer.length > mostServed && cookie.length > fewCookies;
    const { lines, body } = refusal(tooMany ? namesIn(cookie) : [], config);
    for (const [name, value] of lines) reply.header(name, value);
    reply.code(431).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(body);
  };
}

/** Answers what never became a request. */
export function unreadable(config: Where): (error: Unreadable, socket: Duplex) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
    socket.end(answerTo(error, config));
    // What still comes is read and dropped: closing at once could take the answer with it.
    setTimeout(() => socket.destroy(), stayAfter).unref();
  };
}

function answerTo(error: Unreadable, config: Where): string {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return answer(config, '408 Request Timeout');
  if (error.code !== 'HPE_HEADER_OVERFLOW') return answer(config, '400 Bad Request');
  const { lines, body } = refusal(namesIn(cookiesIn(error)), config);
  return answer(config, status, lines, body);
}

/** The page that says so, and the headers that take the named cookies away. */
function refusal(names: readonly string[], config: Where): { lines: readonly [string, string][]; body: string } {
  if (names.length === 0) return { lines: [], body: text('Its address or its headers are too long.', false) };
  const all: [string, string][] = config.origin === null ? [] : [['Clear-Site-Data', '"cookies"']];
  const each = names.map((name): [string, string] => [
    'Set-Cookie',
    `${name}=; Path=/; Max-Age=0${isSecure(name, config) ? '; Secure' : ''}`,
  ]);
  return { lines: [...all, ...each], body: text('This browser sent more cookies than can be read.', true) };
}

function isSecure(name: string, { origin }: Where): boolean {
  return name.startsWith('__') || (origin?.startsWith('https:') ?? false);
}

/**
 * The cookies in what was being read when it became too much, where they alone are too much; else nothing. Only
 * in a Cookie header are pairs one after the other with `; ` between them, in case its beginning came in a packet
 * before: an address has no space.
 */
function cookiesIn({ rawPacket, bytesParsed = 0 }: Unreadable): string {
  const came = rawPacket instanceof Buffer ? rawPacket.toString('latin1') : '';
  const header = /^cookie: ?/im.exec(came.slice(0, bytesParsed));
  const from = header ? header.index + header[0].length : came.indexOf('; ') + 2;
  const cookies = came.slice(from).split('\r\n', 1)[0] ?? '';
  return cookies.lastIndexOf('; ') > mostServed ? cookies : '';
}

function namesIn(cookies: string): string[] {
  const names = cookies.split('; ').flatMap((pair) => /^([\w!#$%&'*+.^`|~-]+)=/.exec(pair)?.[1] ?? []);
  return [...new Set(names)].slice(0, mostNames);
}

function text(why: string, cleared: boolean): string {
  const hint = cleared
    ? ''
    : html`<p>If the start page says so too, remove the cookies of this site in your browser’s settings.</p>`;
  return page({
    title: 'This request is too large',
    frame: { path: '', name: null, actor: null, formToken: null, message: null },
    main: html`<div class="door">
<p class="status" aria-hidden="true">431</p>
<h1>This request is too large</h1>
<p>${why}${cleared ? ' They have been removed, so you can go on. If you were signed in here, sign in again.' : ' Nothing was changed.'}</p>
${hint}
<p><a class="button" rel="noreferrer" href="/">To the start page</a></p>
</div>`,
  });
}

function answer(config: Where, code: string, lines: readonly [string, string][] = [], body = ''): string {
  const head = [
    `HTTP/1.1 ${code}`,
    ...[...Object.entries(headersOf(config)), ...lines].map(([name, value]) => `${name}: ${value}`),
    'Cache-Control: no-store',
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
