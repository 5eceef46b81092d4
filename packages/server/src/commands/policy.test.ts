import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sojourn } from '../../test/process.ts';
import { migrate } from './migrate.ts';
import { showPolicy } from './policy.ts';
import { serve } from './serve.ts';
import { users } from './users.ts';

test('policy: the limits in force, as text and as JSON', (t) => {
  const text = printed(t, () => showPolicy(['--policy', 'nist-63b4-aal2', '--no-demo']));
  assert.match(text, /^# Session policy: nist-63b4-aal2\n/);
  assert.match(text, /\| standard \| 1 h \| 1 d \|/);
  const { kinds } = JSON.parse(printed(t, () => showPolicy(['--json', '--policy', 'nist-63b4-aal3'])));
  assert.equal(kinds.standard.idle, 15 * 60_000);
  assert.equal(kinds.brief.idle, 20_000, 'with the life page’s own');
  assert.throws(() => showPolicy(['--policy', 'lax']), { message: /^--policy lax: use one of default, / });
});

test('each command says how it is used, and what is no command is refused', async (t) => {
  for (const command of [serve, users, showPolicy, migrate]) {
    assert.match(
      printed(t, () => void command(['--help'])),
      /^Usage: sojourn (serve|users|policy|migrate) .*\n[\s\S]*--help/,
    );
  }
  assert.match(
    (await sojourn(['--help'])).out,
    /^Usage: sojourn <command>\n[\s\S]*serve[\s\S]*users[\s\S]*policy[\s\S]*migrate/,
  );
  assert.match((await sojourn(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  const { code, err } = await sojourn(['frobnicate']);
  assert.deepEqual([code, err], [1, 'frobnicate is not a command. Known: serve, users, policy, migrate.\n']);
});

function printed(t: TestContext, run: () => void): string {
  const { mock } = t.mock.method(console, 'log', () => {});
  run();
  const lines = mock.calls.map(({ arguments: [line] }) => String(line));
  mock.restore();
  return lines.join('\n');
}
