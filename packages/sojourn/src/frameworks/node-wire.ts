import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import { type Asked, bodyOf, headerOf, readWhole, type Wire } from './wire.ts';

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

  get asked(): Asked {
    return this.#request.headers;
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
    return bodyOf(await readWhole(this.#request), this.#request.headers['content-type']);
  }
}

/** Sends a whole answer. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}
