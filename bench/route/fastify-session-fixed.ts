import type { Candidate } from './candidate.ts';
import { openWith } from './fastify-session.ts';

/** As `fastify-session`, without an idle limit. */
export function open(): Promise<Candidate> {
  return openWith({ rolling: false });
}
