import type { Duplex } from 'node:stream';
import type { Config } from '../config.ts';
import { headersOf } from '../headers.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/*
 * A browser that holds too many cookies of this site, planted from a sibling host perhaps, could never
 * come back: each request is too large to be read. So the refusal takes the cookies away (S-32).
 */

/** What Node tells of a request that it could not read. */
interface Unreadable extends Error {
  readonly code?: string;
  readonly rawPacket?: unknown;
  readonly bytesParsed?: number;
}

const mostNames = 200;
const stayAfter = 2000;

/** Answers what never became a request. */
export function unreadable(config: Pick<Config, 'origin'>): (error: Unreadable, socket: Duplex) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
    socket.end(answerTo(error, config));
    // What still comes is read and dropped: closing at once could take the answer with it.
    setTimeout(() => socket.destroy(), stayAfter).unref();
  };
}

function answerTo(error: Unreadable, config: Pick<Config, 'origin'>): string {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return answer(config, '408 Request Timeout');
  if (error.code !== 'HPE_HEADER_OVERFLOW') return answer(config, '400 Bad Request');
  const names = cookieNames(error);
  const status = '431 Request Header Fields Too Large';
  // A long address alone clears nothing: anybody can make one.
  if (names.length === 0) return answer(config, status, [], text('Its address or its headers are too long.', false));
  const lines = [
    ...(config.origin === null ? [] : ['Clear-Site-Data: "cookies"']),
    ...names.map((name) => `Set-Cookie: ${name}=; Path=/; Max-Age=0${isSecure(name, config) ? '; Secure' : ''}`),
  ];
  return answer(config, status, lines, text('This browser sent more cookies than can be read.', true));
}

function isSecure(name: string, { origin }: Pick<Config, 'origin'>): boolean {
  return name.startsWith('__') || (origin?.startsWith('https:') ?? false);
}

/**
 * Names in the Cookie header, where it is what was being read when it became too much. Only there are
 * pairs one after the other with `; ` between them, in case its beginning came in a packet before.
 */
function cookieNames({ rawPacket, bytesParsed = 0 }: Unreadable): string[] {
  const came = rawPacket instanceof Buffer ? rawPacket.toString('latin1') : '';
  const header = /^cookie: ?/im.exec(came.slice(0, bytesParsed));
  const from = header ? header.index + header[0].length : 0;
  if (!came.slice(from, bytesParsed).includes('; ')) return [];
  const pairs = came.slice(from).split('\r\n', 1)[0]?.split('; ') ?? [];
  const names = pairs.flatMap((pair) => /^([\w!#$%&'*+.^`|~-]+)=/.exec(pair)?.[1] ?? []);
  return [...new Set(names)].slice(0, mostNames);
}

function text(why: string, cleared: boolean): string {
  return page({
    title: 'This request is too large',
    frame: { path: '', name: null, actor: null, formToken: null, message: null },
    main: html`<div class="door">
<p class="status" aria-hidden="true">431</p>
<h1>This request is too large</h1>
<p>${why}${cleared ? ' They have been removed, so you can go on. If you were signed in here, sign in again.' : ' Nothing was changed.'}</p>
<p><a class="button" href="/">To the start page</a></p>
</div>`,
  });
}

function answer(config: Pick<Config, 'origin'>, status: string, lines: readonly string[] = [], body = ''): string {
  const head = [
    `HTTP/1.1 ${status}`,
    ...Object.entries(headersOf(config)).map(([name, value]) => `${name}: ${value}`),
    ...lines,
    'Cache-Control: no-store',
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
