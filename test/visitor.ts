import { request } from 'node:http';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

/** A browser as far as a server can tell: a jar, and the headers that a page's own navigations carry. */
export class Visitor {
  readonly origin: string;
  readonly jar: Map<string, string> = new Map();

  constructor(origin: string) {
    this.origin = origin;
  }

  get(path: string, ask: Ask = {}): Promise<Answer> {
    return this.send('GET', path, ask);
  }

  post(path: string, form: Record<string, string> = {}, ask: Ask = {}): Promise<Answer> {
    return this.send('POST', path, { ...ask, form });
  }

  async send(method: string, path: string, { headers = {}, form, json }: Ask): Promise<Answer> {
    const body = form ? new URLSearchParams(form).toString() : json === undefined ? '' : JSON.stringify(json);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const answer = await ask(this.origin + path, method, body, {
      accept: 'text/html',
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      ...(this.jar.size > 0 ? { cookie: this.cookie } : {}),
      ...(body ? { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) } : {}),
      ...headers,
    });
    for (const line of answer.headers.getSetCookie()) this.#store(line);
    return answer;
  }

  /** The Cookie header that this visitor sends. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** The same browser at another moment or in other hands: a copy of the jar. */
  copy(): Visitor {
    const copy = new Visitor(this.origin);
    for (const [name, value] of this.jar) copy.jar.set(name, value);
    return copy;
  }

  #store(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const at = pair.indexOf('=');
    if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) this.jar.delete(pair.slice(0, at));
    else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

function ask(url: string, method: string, body: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const all = new Headers();
        for (let i = 0; i < response.rawHeaders.length; i += 2) {
          all.append(response.rawHeaders[i] ?? '', response.rawHeaders[i + 1] ?? '');
        }
        const isJson = text !== '' && /json/.test(all.get('content-type') ?? '');
        resolve({ status: response.statusCode ?? 0, headers: all, text, json: isJson ? JSON.parse(text) : {} });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
