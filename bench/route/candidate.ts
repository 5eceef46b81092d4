import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** One way to answer `GET /orders` with who is signed in, in a process of its own. */
export interface Candidate {
  /** Listens on a free port of the loopback interface and answers which. */
  listen(): Promise<number>;
  /** The `name=value` of a cookie under which somebody is signed in; nothing for a route that asks for none. */
  signIn?(user: string, permissions: readonly string[]): Promise<string>;
  /** How large the stored form of one session is. */
  recordBytes?(): number;
  /** How often it has asked the engine for what has changed. */
  beats?(): number;
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The `name=value` of each Set-Cookie header. */
export function cookiesIn(headers: Headers): string[] {
  const pairs = headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  if (pairs.length === 0 || pairs.includes('')) throw new Error('The sign-in set no cookie.');
  return pairs;
}

/** Signs in through a route of the candidate's own, as a browser would. */
export async function signInOverHttp(port: number, user: string, permissions: readonly string[]): Promise<string> {
  const query = new URLSearchParams({ user, permissions: permissions.join(',') });
  const answer = await fetch(`http://127.0.0.1:${port}/sign-in?${query}`, { method: 'POST' });
  await answer.arrayBuffer();
  return cookiesIn(answer.headers).join('; ');
}
