import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Store } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';

const kills = 50;

/** Starts a writer, kills it after so many acknowledged writes, and answers what it had said by then. */
async function killedAfter(path: string, lines: number): Promise<string[]> {
  const writer = spawn(
    process.execPath,
    ['--conditions=sojourn-source', join(import.meta.dirname, 'writer.ts'), path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(writer, 'exit');
  let said = '';
  for await (const chunk of writer.stdout.setEncoding('utf8')) {
    said += chunk;
    // Everything that still comes was acknowledged before the kill.
    if (said.split('\n').length > lines) writer.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
  // A line cut short by the kill was not said.
  return said.split('\n').slice(0, -1);
}

async function check(store: Store, said: readonly string[]): Promise<void> {
  for (const line of said) {
    const [word, id = '', n] = line.split(' ');
    if (word === 'ready') continue;
    const record = await store.find(id);
    assert.ok(record, `${line}: unknown after the kill`);
    if (word === 'ended') assert.equal(record.ending?.reason, 'signed_out', line);
    // An ending that was not acknowledged any more may have dropped the data.
    if (word === 'wrote' && !record.ending) assert.ok(JSON.parse(record.data).n >= Number(n), line);
  }
}

test(`G5: fifty times kill -9 during writes, and every acknowledged one is there [sqlite]`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const path = join(folder, 'sessions.db');
  let acknowledged = 0;
  for (let round = 0; round < kills; round++) {
    const said = await killedAfter(path, 1 + ((round * 37) % 150));
    acknowledged += said.length;
    const store = sqlite(path);
    await check(store, said);
    await store.close();
  }
  const db = new DatabaseSync(path);
  assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  db.close();
  t.diagnostic(`${kills} kills, ${acknowledged} acknowledged writes, none lost`);
  assert.ok(acknowledged > kills);
  rmSync(folder, { recursive: true });
});
