import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { codes } from 'sojourn';
import { documents, filled, read, unvouched } from './documents.ts';

const root = join(import.meta.dirname, '..');

test('code in the documents is the code that the tests run (npm run docs fills it in)', () => {
  const all = documents();
  assert.ok(all.length > 10);
  for (const path of all) assert.equal(filled(read(path)), read(path), path);
});

test('no block of code stands in the documents without a file or a command that vouches for it', () => {
  for (const path of documents()) {
    const left = unvouched(read(path)).filter((body) => !isTestedCommand(body));
    assert.deepEqual(left, [], path);
  }
});

/** Shell blocks: each line is a script of the repository that a test, or the run itself, runs. */
function isTestedCommand(body: string): boolean {
  const { scripts } = JSON.parse(read('package.json'));
  return body
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''))
    .every((line) => {
      if (line === 'npm ci') return true;
      const script = /^(?:npm ci && )?npm (?:run )?(\w+)(?: -- [\w -]+)?$/.exec(line)?.[1];
      return script !== undefined && script in scripts;
    });
}

test('every file that a document takes code from is run by a test', () => {
  const taken = documents().flatMap((path) =>
    [...read(path).matchAll(/<!-- from: (\S+) -->/g)].map(([, from = '']) => from),
  );
  const frameworks = /^examples\/(express|fastify|hono|node|fetch)\/main\.ts$/;
  const tests = globSync('examples/**/*.test.ts', { cwd: root });
  const pages = globSync('packages/*/test/**/*.ts', { cwd: root }).map(read);
  for (const from of taken) {
    const imported = tests.some((file) => read(file).includes(`./${from.split('/').at(-1)}`));
    const loaded = pages.some((text) => text.includes(from));
    assert.ok(frameworks.test(from) || tests.includes(from) || imported || loaded, from);
  }
});

test('every code has its heading in docs/errors.md, and no heading is an orphan', () => {
  const headings = [...read('docs/errors.md').matchAll(/^### (\w+)$/gm)].map(([, code]) => code);
  assert.deepEqual([...headings].sort(), [...codes].sort());
});

/** The names in an interface of the source. */
function fieldsOf(path: string, name: string): string[] {
  const body = new RegExp(`export interface ${name}[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(read(path))?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, field = '']) => field);
}

/** The names in an interface of the source, methods too. */
function membersOf(path: string, name: string): string[] {
  const body = new RegExp(`interface ${name}<[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(read(path))?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(<:]/gm)].map(([, member = '']) => member);
}

test('every option stands in docs/options.md, and no row is an orphan', () => {
  const library = 'packages/sojourn/src';
  const options = [
    ...fieldsOf(`${library}/settings.ts`, 'SessionsOptions'),
    ...fieldsOf(`${library}/lifecycle/policy.ts`, 'PolicyOptions'),
    ...fieldsOf(`${library}/lifecycle/policy.ts`, 'KindOptions'),
    ...fieldsOf(`${library}/frameworks/binding.ts`, 'BindingOptions'),
    ...fieldsOf(`${library}/stores/sqlite/sqlite.ts`, 'SqliteOptions'),
    ...fieldsOf(`${library}/stores/postgres/postgres.ts`, 'PostgresOptions'),
    ...fieldsOf(`${library}/stores/redis/redis.ts`, 'RedisOptions'),
  ];
  assert.ok(options.length > 45);
  const rows = [...read('docs/options.md').matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, option = '']) => option),
  );
  assert.deepEqual([...rows].sort(), [...options].sort());
  for (const field of fieldsOf(`${library}/frameworks/binding.ts`, 'TrackOptions')) {
    assert.match(read('docs/options.md'), new RegExp(`\`${field}: `));
  }
});

test('every member of a session and of the sessions stands in docs/reference.md', () => {
  const library = 'packages/sojourn/src';
  const members = ['Every', 'NoSession', 'Live', 'AnonymousSession', 'SignedInSession'].flatMap((name) =>
    membersOf(`${library}/session.ts`, name),
  );
  members.push(...membersOf(`${library}/sessions.ts`, 'Sessions'));
  assert.ok(members.length > 40);
  const text = read('docs/reference.md');
  for (const member of new Set(members)) assert.match(text, new RegExp(`[\`, ]${member}[\`(]`), member);
});

test('every link between documents leads somewhere', () => {
  for (const path of documents()) {
    for (const [, target = ''] of read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(path), target)), `${path} → ${target}`);
    }
  }
});

test('every decision says when to revisit it', () => {
  const decisions = documents().filter((path) => path.startsWith('decisions/'));
  assert.ok(decisions.length > 0);
  for (const path of decisions) assert.match(read(path), /\n## When to revisit\n/, path);
});
