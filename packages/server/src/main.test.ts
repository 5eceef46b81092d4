import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('under a Node that is too old: one sentence that names the one needed', () => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      `--import=data:text/javascript,${encodeURIComponent(older)}`,
      join(import.meta.dirname, 'main.ts'),
      'users',
      'list',
    ],
    { encoding: 'utf8' },
  );
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^Sojourn needs Node 24 or newer, and this is 20\.20\.2: [^\n]+npm run --silent sojourn\.\n$/);
});
