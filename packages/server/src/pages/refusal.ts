import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import { type Context, frameAround, type ServerSession } from '../context.ts';
import { headersOf } from '../headers.ts';
import { html } from './html.ts';
import { page } from './layout.ts';

/** A refusal in a person's words, and what they can do about it. */
interface Words {
  readonly title: string;
  readonly way: string;
}

const atFault: Words = { title: 'The server is at fault', way: 'It has been written to the log. Try again later.' };

const words: Readonly<Record<string, Words>> = {
  permission_missing: {
    title: 'You are not allowed to do this',
    way: 'Your session is in order, but it lacks the permission. Ask whoever looks after the accounts.',
  },
  cross_site: {
    title: 'This request came from another site',
    way: 'So it was not carried out. Go on from a page of this site.',
  },
  form_token_invalid: {
    title: 'This form is out of date',
    way: 'It was made for another session. Go back, reload the page and send the form again.',
  },
  credentials_conflict: {
    title: 'This request carries two different sessions',
    way: 'Their cookies have been removed from this browser. Sign in again.',
  },
  anonymous_refused: {
    title: 'Too many new visitors',
    way: 'Too many visits began from your network within a minute. Wait a moment and reload.',
  },
  subject_changed: {
    title: 'The account changed meanwhile',
    way: 'Its password or its state changed at the same moment, so what you sent was not carried out. Send it again.',
  },
  limit_reached: {
    title: 'You are signed in on too many devices',
    way: 'End one of your other sessions first, on a device where you are signed in.',
  },
  conflict: { title: 'Somebody else changed this first', way: 'Reload the page and try again.' },
  data_too_large: { title: 'That is too much to keep', way: 'Nothing was lost and nothing was kept. Send less.' },
  store_unavailable: {
    title: 'Try again in a moment',
    way: 'Sessions cannot be looked up just now. You have not been signed out; reload in a few seconds.',
  },
  not_found: { title: 'Page not found', way: 'There is nothing at this address.' },
  too_large: { title: 'That is too much', way: 'What was sent is larger than this server takes.' },
  request_invalid: { title: 'This request cannot be understood', way: 'Go back and try again.' },
};

/** Makes every refused navigation a page of this server, and answers what nobody else does. */
export function refusals(app: FastifyInstance, context: Context): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { statusCode: status } = reply;
    if (status < 400 || typeof payload !== 'string' || !isPlainPage(payload)) return payload;
    return refusalPage(context, request, { status, code: codeIn(payload) });
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof SojournError) return context.web.answer(error, request, reply);
    return refuse(context, request, reply, refusedFor(error));
  });
  app.setNotFoundHandler((request, reply) => refuse(context, request, reply, { status: 404, code: 'not_found' }));
}

/** Answers what Fastify refuses before it looks for a route, and so before any hook: an address that it cannot read. */
export function unrouted(
  context: Context,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const headers = headersOf(context.config);
  return (error, request, reply) => refuse(context, request, reply.headers(headers), refusedFor(error));
}

function refusedFor(error: FastifyError): Refused {
  const status = error.statusCode ?? 500;
  if (status >= 500) console.error(error);
  return { status, code: status === 413 ? 'too_large' : status < 500 ? 'request_invalid' : 'server_error' };
}

/** A page of the library: right in what it says and plain in how. Ours are drawn with our styles. */
function isPlainPage(payload: string): boolean {
  return /^<!doctype html>/i.test(payload) && !payload.includes('/assets/pages.css');
}

/** The library names the code in the page's title: `Cross site`. */
function codeIn(payload: string): string {
  const title = /<title>([^<]*)/.exec(payload)?.[1] ?? '';
  const code = title.toLowerCase().replaceAll(' ', '_');
  return Object.hasOwn(words, code) ? code : 'server_error';
}

interface Refused {
  readonly status: number;
  readonly code: string;
}

/** A page for people, a problem for programs. */
function refuse(context: Context, request: FastifyRequest, reply: FastifyReply, refused: Refused): FastifyReply {
  const { status, code } = refused;
  reply.code(status).header('cache-control', 'no-store');
  if (request.headers['sec-fetch-mode'] === 'navigate' || request.headers.accept?.includes('text/html')) {
    return reply.type('text/html; charset=utf-8').send(refusalPage(context, request, refused));
  }
  const { title } = wordsOf(refused);
  return reply.type('application/problem+json').send(JSON.stringify({ title, status, code }));
}

function wordsOf({ code }: Refused): Words {
  return words[code] ?? atFault;
}

function refusalPage(context: Context, request: FastifyRequest, refused: Refused): string {
  const { status, code } = refused;
  const { title, way } = wordsOf(refused);
  return page({
    title,
    // Who was not recognised is not shown as signed in, whatever they were when the request began.
    frame: frameAround(context, request, status === 401 ? null : sessionOf(context, request)),
    main: html`<div class="door">
<p class="status" aria-hidden="true">${status}</p>
<h1>${title}</h1>
<p>${way}</p>
<p class="soft">Code <code>${code}</code>, status ${status}.</p>
<p><a class="button" href="/">To the start page</a></p>
</div>`,
  });
}

/** The session where there is one to speak of: some requests are refused before theirs was found. */
function sessionOf({ web }: Context, request: FastifyRequest): ServerSession | null {
  try {
    return web.session(request);
  } catch (error) {
    if (error instanceof SojournError && error.code === 'not_tracked') return null;
    throw error;
  }
}
