import type { FastifyRequest } from 'fastify';
import type { Sessions } from 'sojourn';
import type { FastifyWeb } from 'sojourn/fastify';
import type { Config } from './config.ts';
import type { Bar } from './pages/layout.ts';
import type { Throttle } from './users/throttle.ts';
import type { Users } from './users/users.ts';

/** What this server keeps in a session. */
export interface ServerData {
  /** Said once on the next page. */
  message?: string;
}

/** What the handlers work with. */
export interface Context {
  readonly config: Config;
  readonly sessions: Sessions<ServerData, string>;
  readonly web: FastifyWeb<ServerData, string>;
  readonly users: Users;
  readonly throttle: Throttle;
}

/** The bar of the page that answers this request. */
export function barOf({ web, users }: Context, request: FastifyRequest): Bar {
  const session = web.session(request);
  if (session.state !== 'signed-in') return { name: null, actor: null, formToken: null };
  const nameOf = (id: string): string => users.byId(id)?.name ?? id;
  return {
    name: nameOf(session.subject),
    actor: session.actor ? nameOf(session.actor.subject) : null,
    formToken: session.formToken,
  };
}

/** A field of a form that was sent, as text; empty when it is missing. */
export function field(request: FastifyRequest, name: string): string {
  const { body } = request;
  if (typeof body !== 'object' || body === null) return '';
  const value = Object.entries(body).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : '';
}
