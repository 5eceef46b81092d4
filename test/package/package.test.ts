import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

/* What an application gets from the registry: the packed library, unpacked where nothing of ours is near. */

const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sojourn-package-'));
after(() => rmSync(folder, { recursive: true }));

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies?: object;
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
}

function unpack(): Manifest {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: repository });
  const listed = run('npm', 'pack', '--json', '--pack-destination', folder, join(repository, 'packages/sojourn'));
  const [packed] = JSON.parse(listed) as readonly { readonly filename: string }[];
  const target = join(folder, 'node_modules/sojourn');
  mkdirSync(target, { recursive: true });
  run('tar', '-xzf', packed?.filename ?? '', '-C', target, '--strip-components=1');
  return JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as Manifest;
}

test('the packed library stands alone: each path it names can be imported, and is typed', () => {
  const { exports, dependencies } = unpack();
  assert.equal(dependencies, undefined);
  const paths = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ path, target }],
  );
  assert.ok(paths.length >= 11);
  for (const { path, target } of paths) {
    assert.ok(existsSync(join(folder, 'node_modules/sojourn', target.types)), path);
    const name = path.replace('.', 'sojourn');
    const names = run(
      process.execPath,
      '--input-type=module',
      '-e',
      `console.log(Object.keys(await import('${name}')).length)`,
    );
    assert.ok(Number(names) > 0, name);
  }
});

test('a life with the packed library, in the file that keeps it', () => {
  writeFileSync(
    join(folder, 'life.mjs'),
    `import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
const sessions = createSessions({ store: sqlite('./sessions.db') });
let token = null;
const carrier = { begin: () => () => {}, issue: (issued) => { token = issued.reveal(); }, clear() {}, device() {}, body: async () => '', address: null };
const visit = await sessions.track(null, { carrier });
await visit.signIn('ada');
const back = await sessions.track(token);
console.log(back.state, back.subject);
await sessions.terminateAll('ada');
console.log((await sessions.track(token)).state);
await sessions.close();
`,
  );
  assert.equal(run(process.execPath, 'life.mjs'), 'signed-in ada\nnone\n');
});
