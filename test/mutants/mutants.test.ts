import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Mutant, mutants } from './mutants.ts';

/*
 * Each mutant is one bug of a kind that peers have, put into a copy of the library. The tests that are there to
 * find it must fail on the copy: a proof that they can.
 */

const root = join(import.meta.dirname, '../..');
let copy = '';

before(() => {
  copy = mkdtempSync(join(tmpdir(), 'sojourn-mutants-'));
  for (const folder of ['packages/sojourn/src', 'packages/sojourn/test', 'packages/sojourn/package.json', 'test']) {
    cpSync(join(root, folder), join(copy, folder), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
after(() => rmSync(copy, { recursive: true, force: true }));

async function run(mutant: Mutant): Promise<{ code: number | null; said: string }> {
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=sojourn-source', '--test', '--test-isolation=none', '--test-name-pattern', mutant.pattern],
      ...mutant.tests.map((file) => join(copy, 'packages/sojourn', file)),
    ],
    // Not as a part of this run of tests.
    { cwd: copy, env: { ...process.env, NODE_TEST_CONTEXT: undefined }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, said };
}

for (const mutant of mutants) {
  test(`found: ${mutant.bug}`, { skip: mutant.skip ?? false }, async () => {
    const path = join(copy, 'packages/sojourn/src', mutant.file);
    const whole = readFileSync(path, 'utf8');
    assert.equal(whole.split(mutant.from).length, 2, `${mutant.file} has the line to change exactly once`);
    writeFileSync(
      path,
      whole.replace(mutant.from, () => mutant.to),
    );
    try {
      const { code, said } = await run(mutant);
      assert.equal(code, 1, `the tests pass all the same:\n${said}`);
      assert.match(said, /^# fail [1-9]|ℹ fail [1-9]/m, said);
      assert.doesNotMatch(said, /SyntaxError|ERR_MODULE_NOT_FOUND/, said);
    } finally {
      writeFileSync(path, whole);
    }
  });
}
