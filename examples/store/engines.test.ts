import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sessionsOn } from './engines.ts';

/* On the file here; packages/sojourn/test/stores has the other engines, with servers of their own. */

test('sessions on the engine of an address', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const sessions = await sessionsOn(join(folder, 'sessions.db'));
  assert.deepEqual(await sessions.list('ada'), { live: [], ended: [] });
  await sessions.close();
  rmSync(folder, { recursive: true });
});

test('an engine that does not answer is said when it is opened', async () => {
  await assert.rejects(sessionsOn('postgres://127.0.0.1:1/none'), { code: 'store_unavailable' });
});
