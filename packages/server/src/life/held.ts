import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { type Exchange, headersOf, type Knock, linesOf, toldIn } from './exchange.ts';
import { cookieName } from './own-cookie.ts';

/** A request that was let in, and whose body lacks its last byte. */
export interface Held {
  /** Sends that byte. */
  finish(): Promise<Exchange>;
}

/**
 * Sends all but the last byte of a form to this server's own door, over a connection of its own. It is
 * known to be let in when the server says to go on, which it does in the turn that looks the session up.
 */
export async function hold(
  { config }: Context,
  request: FastifyRequest,
  wish: Knock & Required<Pick<Knock, 'form'>>,
): Promise<Held> {
  const { method = 'POST', path, form, says } = wish;
  const name = cookieName(config, request);
  const body = new URLSearchParams(form).toString();
  const headers = { ...headersOf(request, wish, name), 'content-length': body.length, expect: '100-continue' };
  const sent = send({ ...doorOf(request), method, path, headers, agent: false });
  const answered = answerTo(sent);
  sent.flushHeaders();
  await Promise.race([once(sent, 'continue'), answered]);
  sent.write(body.slice(0, -1));
  return {
    async finish() {
      sent.end(body.slice(-1));
      const answer = await answered;
      const told = toldIn(await text(answer), answer.headers['content-type']);
      return { says, sent: linesOf(wish, name), status: answer.statusCode ?? 0, ...told };
    },
  };
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
}

/** Where this process listens. */
function doorOf({ server }: FastifyRequest): { host: string; port: number } {
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen on a port');
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { host: anywhere[address.address] ?? address.address, port: address.port };
}
