import type { FastifyReply, FastifyRequest } from 'fastify';
import { SojournError } from 'sojourn';
import type { Context } from '../context.ts';

/** An id that no session has. To end it takes a look-up and a turn of whoever writes, and changes nothing. */
const nobody = 'A'.repeat(23);

/** `GET /healthz`: the process serves. Asks nothing of the store, so that an outage there restarts nobody. */
export function showHealth(_context: Context, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.type('text/plain; charset=utf-8').send('The server is up.\n');
}

/** `GET /readyz`: the store reads and writes within its deadline; else 503. */
export async function showReadiness(
  { sessions }: Context,
  _request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    await sessions.cursor();
    await sessions.terminate(nobody);
    return reply.type('text/plain; charset=utf-8').send('The server is ready.\n');
  } catch (error) {
    if (!(error instanceof SojournError) || error.code !== 'store_unavailable') throw error;
    const { status, code } = error;
    // Why, which may name hosts and files, is for the log.
    sessions.report({ level: 'warn', code, message: 'readyz: the store does not answer.', error });
    return reply
      .code(status)
      .type('application/problem+json')
      .send(JSON.stringify({ title: 'The store does not answer', status, code }));
  }
}
