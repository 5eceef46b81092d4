import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { request } from '../route/people.ts';

/** Node's own request and response without a connection: what is written stays in the response. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** As much of a socket as frameworks look at and listen to; each request has its own, or its listeners would add up. */
class Unconnected extends EventEmitter {
  readonly remoteAddress = '203.0.113.9';
  readonly encrypted = false;
  readonly readable = true;
  readonly writable = true;
  readonly destroyed = false;
}

/** Makes pairs as Node makes them of `GET /orders` with this cookie. */
export function exchangesOf(cookie: string): () => HttpExchange {
  const [start = '', ...lines] = request(cookie).trimEnd().split('\r\n');
  const [method = '', url = ''] = start.split(' ');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  const rawHeaders = fields.flat();
  const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
  return () => {
    const incoming = new IncomingMessage(new Unconnected() as unknown as Socket);
    incoming.method = method;
    incoming.url = url;
    incoming.httpVersion = '1.1';
    incoming.httpVersionMajor = 1;
    incoming.httpVersionMinor = 1;
    incoming.rawHeaders = rawHeaders;
    incoming.headers = { ...headers };
    incoming.complete = true;
    return { request: incoming, response: new ServerResponse(incoming) };
  };
}

/** The status and the head of an answer that went nowhere. */
export function answered(response: ServerResponse): string {
  const { outputData } = response as unknown as { outputData: readonly { readonly data: string | Uint8Array }[] };
  return outputData.map(({ data }) => (typeof data === 'string' ? data : Buffer.from(data).toString())).join('');
}
