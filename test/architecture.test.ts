import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';

/*
 * Who may import whom. The layers are what keeps a reader from having to hold the whole in mind: the
 * lifecycle knows the world only through its ports, a framework only the sessions and their transports.
 */
const root = join(import.meta.dirname, '..');
const library = join(root, 'packages/sojourn/src');

/** Each folder of the library (or file beside them) and what it may import, itself aside. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lifecycle: [],
  stores: ['lifecycle'],
  cache: ['lifecycle'],
  transports: ['lifecycle'],
  'list.ts': ['lifecycle'],
  'guard.ts': ['lifecycle'],
  'world.ts': ['lifecycle'],
  'follow.ts': ['lifecycle'],
  'session.ts': ['lifecycle'],
  'tracked-session.ts': ['lifecycle', 'guard.ts', 'session.ts'],
  'settings.ts': ['lifecycle', 'cache', 'transports'],
  'sessions.ts': [
    'lifecycle',
    'cache',
    'follow.ts',
    'list.ts',
    'session.ts',
    'settings.ts',
    'tracked-session.ts',
    'world.ts',
  ],
  frameworks: ['lifecycle', 'transports', 'session.ts', 'sessions.ts', 'tracked-session.ts'],
  testing: ['lifecycle', 'transports', 'stores', 'session.ts', 'sessions.ts', 'settings.ts'],
  live: ['lifecycle', 'tracked-session.ts'],
  browser: [],
  'index.ts': ['lifecycle', 'cache', 'follow.ts', 'list.ts', 'session.ts', 'sessions.ts', 'settings.ts'],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function importsOf(files: readonly string[]): Import[] {
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'/gm)].map(
      ([, type, specifier = '']) => ({ file, specifier, typeOnly: type !== undefined }),
    ),
  );
}

function sources(folder: string): string[] {
  return globSync(`${folder}/**/*.ts`).filter((file) => !/\.test(-d)?\.ts$/.test(file));
}

function layerOf(file: string): string {
  return relative(library, file).split(sep)[0] ?? '';
}

test('each layer of the library imports only what stands below it', () => {
  const files = sources(library);
  assert.ok(files.length > 30);
  const wrong = importsOf(files)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((one) => ({ ...one, to: layerOf(join(dirname(one.file), one.specifier)) }))
    .filter(({ file, to }) => to !== layerOf(file) && !mayImport[layerOf(file)]?.includes(to));
  assert.deepEqual(wrong, []);
});

test('ARCHITECTURE.md says of each layer what it may import', () => {
  const rows = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| `([\w.-]+)\/?` \|.*\| ([^|]+) \|$/gm);
  const said = [...rows].map(([, layer = '', list = '']) => [
    layer,
    [...list.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name),
  ]);
  assert.deepEqual(Object.fromEntries(said), mayImport);
});

test('the lifecycle and the transports know neither Node nor anybody else’s code', () => {
  const wrong = importsOf([...sources(join(library, 'lifecycle')), ...sources(join(library, 'transports'))]).filter(
    ({ specifier }) => !specifier.startsWith('.'),
  );
  assert.deepEqual(wrong, []);
});

test('the library depends on nothing at run time', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'packages/sojourn/package.json'), 'utf8'));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.bin, undefined);
  const wrong = importsOf(sources(library)).filter(
    ({ specifier, typeOnly }) => !specifier.startsWith('.') && !specifier.startsWith('node:') && !typeOnly,
  );
  assert.deepEqual(wrong, []);
});

test('the main entry loads no engine', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, typeOnly } of importsOf([file])) {
      if (specifier.startsWith('.') && !typeOnly) visit(join(dirname(file), specifier));
    }
  };
  visit(join(library, 'index.ts'));
  assert.ok(seen.size > 10);
  assert.deepEqual(
    [...seen].filter((file) => layerOf(file) === 'stores'),
    [],
  );
});

test('the server reaches the library by its package name only', () => {
  const wrong = importsOf(sources(join(root, 'packages/server/src'))).filter(({ specifier }) =>
    /^(\.\.\/)+sojourn\//.test(specifier),
  );
  assert.deepEqual(wrong, []);
});

test('no file is named by what it is not', () => {
  const named = globSync(`${root}/{packages,test,examples,bench}/**/*.{ts,tsx}`, {
    exclude: ['**/node_modules/**', '**/dist/**'],
  });
  assert.deepEqual(
    named.filter((file) => /(util|helper|common|manager|adapter|misc)/i.test(relative(root, file))),
    [],
  );
});
