import type { IncomingMessage, ServerResponse } from 'node:http';
import { SojournError } from '../lifecycle/errors.ts';
import type { Answer } from './answer.ts';
import { headerOf, type Wire } from './wire.ts';

/** Bytes of a body that `session.body()` reads. */
const mostBody = 1024 * 1024;

/** Node's own request and response; Express's are these too. */
export class NodeWire implements Wire {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #body: Promise<Response> | null = null;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get url(): string {
    // Express's routers cut `url` down to what they match.
    const { originalUrl } = this.#request as IncomingMessage & { originalUrl?: string };
    return originalUrl ?? this.#request.url ?? '/';
  }

  get peer(): string | undefined {
    return this.#request.socket.remoteAddress;
  }

  header(name: string): string | undefined {
    return headerOf(this.#request.headers, name);
  }

  get headSent(): boolean {
    return this.#response.headersSent;
  }

  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  getHeader(name: string): string | undefined {
    const value = this.#response.getHeader(name);
    return value === undefined ? undefined : String(value);
  }

  cookies(): readonly string[] {
    const value = this.#response.getHeader('set-cookie');
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [String(value)];
  }

  setCookies(values: readonly string[]): void {
    this.#response.setHeader('set-cookie', values);
  }

  whenSent(run: () => void): void {
    this.#response.once('finish', run);
  }

  body(): Promise<Response> {
    this.#body ??= this.#read();
    return this.#body.then((response) => response.clone());
  }

  async #read(): Promise<Response> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#request) {
      size += chunk.length;
      if (size > mostBody) {
        throw new SojournError(
          'data_too_large',
          `session.body(): the body is over ${mostBody} bytes. Read large ones as a stream and call assertLive().`,
        );
      }
      chunks.push(chunk);
    }
    const type = this.#request.headers['content-type'];
    return new Response(Buffer.concat(chunks), type === undefined ? {} : { headers: { 'content-type': type } });
  }
}

/** Sends a whole answer. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}
