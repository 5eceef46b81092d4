/** One request and the answer to it, as a framework gives them. Names of headers are in lower case. */
export interface Wire {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Address of the connection, where it is known. */
  readonly peer: string | undefined;
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

/** A header of a request of Node's, which splits some into a list. */
export function headerOf(headers: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value.join(', ') : value;
}
