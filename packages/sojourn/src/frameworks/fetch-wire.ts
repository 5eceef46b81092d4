import type { Answer } from './answer.ts';
import { type Asked, bodyOf, readWhole, type Wire } from './wire.ts';

/** A Fetch request, and the headers to put on the answer that the application will make. */
export class FetchWire implements Wire {
  readonly #request: Request | null;
  readonly #headers: Headers;
  readonly peer: string | undefined;
  readonly method: string;
  #answer: Headers | null = null;
  headSent = false;
  readonly #sent: (() => void)[] = [];
  #body: Promise<Blob> | null = null;

  /** Of headers alone the method is taken to be GET, and the path to be unknown. */
  constructor(given: Request | Headers, peer: string | undefined) {
    this.#request = given instanceof Headers ? null : given;
    this.#headers = given instanceof Headers ? given : given.headers;
    this.method = this.#request?.method ?? 'GET';
    this.peer = peer;
  }

  /** What the answer is to carry. */
  get answer(): Headers {
    this.#answer ??= new Headers();
    return this.#answer;
  }

  get url(): string {
    if (this.#request === null) return '/';
    const { pathname, search } = new URL(this.#request.url);
    return pathname + search;
  }

  get asked(): Asked {
    const of = (name: keyof Asked): string | undefined => this.#headers.get(name) ?? undefined;
    return { cookie: of('cookie'), upgrade: of('upgrade'), 'sec-fetch-dest': of('sec-fetch-dest') };
  }

  header(name: string): string | undefined {
    const value = this.#headers.get(name);
    if (value !== null) return value;
    // A Request that no HTTP server made has no Host header: its URL says what it would be.
    return name === 'host' && this.#request ? new URL(this.#request.url).host : undefined;
  }

  setHeader(name: string, value: string): void {
    this.answer.set(name, value);
  }

  getHeader(name: string): string | undefined {
    return this.#answer?.get(name) ?? undefined;
  }

  cookies(): readonly string[] {
    return this.#answer?.getSetCookie() ?? [];
  }

  setCookies(values: readonly string[]): void {
    this.answer.delete('set-cookie');
    for (const value of values) this.answer.append('set-cookie', value);
  }

  whenSent(run: () => void): void {
    this.#sent.push(run);
  }

  body(): Promise<Response> | null {
    const request = this.#request;
    if (request === null) return null;
    this.#body ??= readWhole(request.body ?? nothing());
    return this.#body.then((body) => bodyOf(body, request.headers.get('content-type')));
  }

  /** The application's answer with ours on it: its own Cache-Control stays, cookies of both are sent. */
  finish(response: Response): Response {
    this.headSent = true;
    // An upgrade's answer is not ours to make anew, nor is one that we have nothing for.
    if (response.status < 200 || this.#answer === null) return response;
    const headers = new Headers(response.headers);
    for (const [name, value] of this.#answer) {
      if (name === 'set-cookie') headers.append(name, value);
      else if (name !== 'cache-control' || !headers.has(name)) headers.set(name, value);
    }
    this.#answer.set('cache-control', headers.get('cache-control') ?? '');
    for (const run of this.#sent) run();
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export function responseOf({ status, headers, body }: Answer): Response {
  return new Response(body === '' ? null : body, { status, headers });
}
