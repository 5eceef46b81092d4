import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Copy } from '../../packages/sojourn/test/copy.ts';
import { type Mutant, mutants } from './mutants.ts';

/*
 * Each mutant is one bug of a kind that peers have, put into a copy of the library. The tests that are there to
 * find it must fail on the copy: a proof that they can.
 */

let copy: Copy | null = null;

before(() => {
  copy = new Copy();
});
after(() => copy?.remove());

async function run(path: string, { pattern, tests, env }: Mutant): Promise<{ code: unknown; said: string }> {
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=sojourn-source', '--test', '--test-isolation=none', '--test-name-pattern', pattern],
      ...tests.map((file) => join(path, 'packages/sojourn', file)),
    ],
    // Not as a part of this run of tests.
    { cwd: path, env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, said };
}

for (const mutant of mutants) {
  test(`found: ${mutant.bug}`, { skip: mutant.skip ?? false }, async () => {
    assert.ok(copy);
    const mend = copy.change(mutant.file, mutant.from, mutant.to);
    try {
      const { code, said } = await run(copy.path, mutant);
      assert.equal(code, 1, `the tests pass all the same:\n${said}`);
      assert.match(said, /^# fail [1-9]|ℹ fail [1-9]/m, said);
      assert.doesNotMatch(said, /SyntaxError|ERR_MODULE_NOT_FOUND/, said);
    } finally {
      mend();
    }
  });
}
