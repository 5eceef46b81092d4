import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { FastifyInstance } from 'fastify';

const files = {
  'tokens.css': 'text/css; charset=utf-8',
  'pages.css': 'text/css; charset=utf-8',
  'account.css': 'text/css; charset=utf-8',
  'map.css': 'text/css; charset=utf-8',
  'life.css': 'text/css; charset=utf-8',
  'stages.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

/** Under `/assets/`: all that pages are made of. */
export const assetNames: readonly string[] = [...Object.keys(files), 'life.js'];

/** A page's parts, and the tab's icon, are fetched when the browser likes: that is not a use of the session. */
const notUse = { passive: true, readOnly: true } as const;

/** The pages' styles and scripts, read once; small enough to be sent whole. */
export function assets(app: FastifyInstance, _options: object, done: () => void): void {
  const add = (name: string, type: string, body: string): void => {
    app.get(`/assets/${name}`, { config: { sojourn: notUse } }, (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(body),
    );
  };
  for (const [name, type] of Object.entries(files)) {
    add(name, type, readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8'));
  }
  add('life.js', 'text/javascript; charset=utf-8', lifeModule());
  done();
}

/** The one browser module: built beside this file, or, when run from source, with its types taken off. */
function lifeModule(): string {
  if (!import.meta.url.endsWith('.ts')) return readFileSync(new URL('../browser/life.js', import.meta.url), 'utf8');
  return stripTypeScriptTypes(readFileSync(new URL('../browser/life.ts', import.meta.url), 'utf8'));
}
