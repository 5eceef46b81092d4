import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { figure } from '../figures.ts';
import type { Report, Row } from '../report.ts';

/*
 * What an application's bundle grows by: the lifecycle, the cookie transport and one framework's
 * binding, minified and gzipped. Frameworks and Node's own modules stay outside.
 */

const bindings = {
  fastify: 'fastifySessions',
  express: 'expressSessions',
  hono: 'honoSessions',
  node: 'nodeSessions',
  fetch: 'fetchSessions',
} as const;
const wanted = 15;
const partsShown = 16;

const entries: Readonly<Record<string, string>> = {
  'createSessions alone': `export { createSessions } from 'sojourn';`,
  ...Object.fromEntries(
    Object.entries(bindings).map(([framework, binding]) => [
      `createSessions and ${binding}`,
      `export { createSessions } from 'sojourn'; export { ${binding} } from 'sojourn/${framework}';`,
    ]),
  ),
};

interface Bundle {
  readonly minified: number;
  readonly gzipped: number;
  /** Minified kilobytes of each of the library's files. */
  readonly parts: Readonly<Record<string, number>>;
}

async function bundled(contents: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'never-written',
    format: 'esm',
    target: 'es2024',
    platform: 'node',
    packages: 'bundle',
    external: ['node:*', ...Object.keys(bindings).filter((name) => name !== 'node' && name !== 'fetch')],
  });
  const [{ contents: code } = { contents: new Uint8Array() }] = outputFiles;
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).map(([file, { bytesInOutput }]): [string, number] => [
      file.replace(/^.*dist\//, '').replace(/\.js$/, ''),
      bytesInOutput / 1000,
    ]),
  );
  return {
    minified: code.length / 1000,
    gzipped: gzipSync(code, { level: 9 }).length / 1000,
    parts: Object.fromEntries(parts),
  };
}

/** Where the weight of one bundle lies. */
function largest(parts: Bundle['parts']): Row[] {
  return Object.entries(parts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, partsShown)
    .map(([file, kilobytes]) => ({
      what: `of which ${file}, with ${bindings.fastify}`,
      figures: { 'kB minified': figure('kB', [kilobytes]) },
    }));
}

export async function size(): Promise<Report> {
  const found = await Promise.all(
    Object.entries(entries).map(async ([what, contents]) => {
      const { minified, gzipped, parts } = await bundled(contents);
      return { what, minified: figure('kB', [minified]), gzipped: figure('kB', [gzipped]), parts };
    }),
  );
  return {
    rows: [
      ...found.map(({ what, minified, gzipped }) => ({
        what,
        figures: { 'kB minified': minified, 'kB minified and gzipped': gzipped },
      })),
      ...largest(found.find(({ what }) => what.includes(bindings.fastify))?.parts ?? {}),
    ],
    targets: found
      .filter(({ what }) => what !== 'createSessions alone')
      .map(({ what, gzipped }) => ({ what, wanted, bound: 'at most', unit: 'kB', measured: gzipped })),
    notes: ['kB are 1000 bytes. The engine comes on top: an application imports one, and only its own.'],
    method: {},
  };
}
