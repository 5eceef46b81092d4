import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from './config.ts';

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** On every answer (ASVS 3.4): no inline script, no framing, no sniffing, no referrer to others, HSTS behind https. */
export function headersOf({ origin }: Pick<Config, 'origin'>): Readonly<Record<string, string>> {
  return {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    ...(origin?.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}

export function securityHeaders(
  config: Pick<Config, 'origin'>,
): (request: FastifyRequest, reply: FastifyReply, next: () => void) => void {
  const headers = headersOf(config);
  return (_request, reply, next) => {
    reply.headers(headers);
    next();
  };
}
