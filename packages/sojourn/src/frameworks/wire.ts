import { SojournError } from '../lifecycle/errors.ts';

/** Headers that every request is looked at for, by names that V8 knows beforehand: else each costs it a search. */
export interface Asked {
  readonly cookie?: string | undefined;
  readonly upgrade?: string | undefined;
  readonly 'sec-fetch-dest'?: string | readonly string[] | undefined;
}

/** One request and the answer to it, as a framework gives them. Names of headers are in lower case. */
export interface Wire {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Address of the connection, where it is known. */
  readonly peer: string | undefined;
  readonly asked: Asked;
  header(name: string): string | undefined;
  /** The answer's head can no longer be changed. */
  readonly headSent: boolean;
  setHeader(name: string, value: string): void;
  getHeader(name: string): string | undefined;
  /** Set-Cookie values on the answer so far. */
  cookies(): readonly string[];
  setCookies(values: readonly string[]): void;
  /** Calls back when the answer has been sent. */
  whenSent(run: () => void): void;
  /** The request's body, read to its end; `null` where the framework's own parser reads it. */
  body(): Promise<Response> | null;
}

/** Bytes of a body that `session.body()` reads. */
const mostBody = 1024 * 1024;

export async function readWhole(chunks: AsyncIterable<Uint8Array>): Promise<Blob> {
  const read: BlobPart[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > mostBody) {
      throw new SojournError(
        'data_too_large',
        `session.body(): the body is over ${mostBody} bytes. Read large ones as a stream and call assertLive().`,
      );
    }
    read.push(new Uint8Array(chunk));
  }
  return new Blob(read);
}

export function bodyOf(body: Blob | ArrayBuffer, type: string | null | undefined): Response {
  return new Response(body, type ? { headers: { 'content-type': type } } : {});
}

/** A header of a request of Node's, which splits some into a list. */
export function headerOf(headers: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  // HTTP/2 has no Host.
  const value = headers[name] ?? (name === 'host' ? headers[':authority'] : undefined);
  return typeof value === 'object' ? value.join(', ') : value;
}
