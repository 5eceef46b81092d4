import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Copy } from '../../packages/sojourn/test/copy.ts';
import { type Mutant, mutants } from './mutants.ts';

/*
 * Each mutant is one bug of a kind that peers have, put into a copy of the library. The tests that are there to
 * find it must fail on the copy, and pass on it without the bug: a proof that they can, and that it is the bug they find.
 */

/** That a run of tests may take, in milliseconds. */
const longest = 180_000;

let copy: Copy | null = null;

before(() => {
  copy = new Copy();
});
after(() => copy?.remove());

/** Whether a test of such a title went so. */
function titled(said: string, mark: '✔' | '✖', title: string): boolean {
  return said.split('\n').some((line) => line.startsWith(mark) && line.includes(title));
}

async function run(path: string, { pattern, tests, env }: Mutant): Promise<{ code: unknown; said: string }> {
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=sojourn-source', '--test', '--test-isolation=none', '--test-reporter=spec'],
      ...['--test-name-pattern', pattern],
      ...tests.map((file) => join(path, 'packages/sojourn', file)),
    ],
    // Not as a part of this run of tests.
    {
      cwd: path,
      env: { ...process.env, ...env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A bug may keep a test waiting for ever: that finds nothing.
      timeout: longest,
    },
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

/** What finds several is tried once. */
const controls = Map.groupBy(mutants, ({ tests, pattern, env }) => JSON.stringify([tests, pattern, env]));

for (const sought of controls.values()) {
  const [control] = sought;
  if (control === undefined) continue;
  test(`passes without a bug: ${control.tests.join(' ')} ${control.pattern}`, {
    skip: control.skip ?? false,
  }, async () => {
    assert.ok(copy);
    const { code, said } = await run(copy.path, control);
    assert.equal(code, 0, said);
    for (const { by } of sought) assert.ok(titled(said, '✔', by), `${by}:\n${said}`);
  });
}

for (const mutant of mutants) {
  test(`found: ${mutant.bug}`, { skip: mutant.skip ?? false }, async () => {
    assert.ok(copy);
    const mend = copy.change(mutant.file, mutant.from, mutant.to);
    try {
      const { code, said } = await run(copy.path, mutant);
      assert.equal(code, 1, `the tests pass all the same:\n${said}`);
      assert.ok(titled(said, '✖', mutant.by), said);
      if (mutant.says) assert.match(said, mutant.says);
      assert.doesNotMatch(said, /SyntaxError|ReferenceError|ERR_MODULE_NOT_FOUND/, said);
    } finally {
      mend();
    }
  });
}
