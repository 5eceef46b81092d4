import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const files = {
  'tokens.css': 'text/css',
  'pages.css': 'text/css',
  'icon.svg': 'image/svg+xml',
} as const;

/** The pages' styles and scripts, read once; small enough to be sent whole. */
export function assets(app: FastifyInstance, _options: object, done: () => void): void {
  for (const [name, type] of Object.entries(files)) {
    const body = readFileSync(new URL(`../../assets/${name}`, import.meta.url));
    app.get(`/assets/${name}`, (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(body));
  }
  done();
}
