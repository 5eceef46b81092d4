import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporary } from '../../../test/temporary.ts';
import { created, found } from '../contract/subject.ts';
import { pragmas } from './pragmas.ts';
import { sqlite } from './sqlite.ts';

/**
 * This process's locks on a file, as Linux lists them. Others lock and unlock while it does, and a line may come
 * twice or not at all: it is asked until it says the same twice.
 */
function locksOn(path: string): string[] {
  const inode = String(statSync(path).ino);
  const listed = (): string[] => {
    const own = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[4] === String(process.pid) && fields[5]?.split(':')[2] === inode)
      .map((fields) => fields.slice(1).join(' '));
    return [...new Set(own)].sort();
  };
  for (let last = listed(); ; ) {
    const now = listed();
    if (now.join() === last.join()) return now;
    last = now;
  }
}

const onLinux = process.platform === 'linux' ? {} : { skip: 'only Linux lists its locks' };

test('G5: opening a file again leaves the locks of who has it open [sqlite]', onLinux, async () => {
  const path = temporary('sessions.db');
  const one = sqlite(path);
  await created(one, 'u1');
  const before = locksOn(path);
  const two = sqlite(path);
  const after = locksOn(path);
  const made = [await created(one, 'u1'), await created(two, 'u1')];
  const seen = await Promise.all(made.map(async ({ id }) => [await found(one, id), await found(two, id)]));
  await two.close();
  await created(one, 'u1');
  await one.close();
  assert.notDeepEqual(before, []);
  assert.deepEqual(after, before);
  assert.deepEqual(
    seen,
    made.map((record) => [record, record]),
  );
});

test('a store that is open and at rest keeps no process alive', async () => {
  const ports = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
  const before = ports();
  const store = sqlite(temporary('sessions.db'));
  const atFirst = ports();
  await created(store, 'u1');
  const later = ports();
  await store.close();
  assert.deepEqual([atFirst, later], [before, before]);
});

test('G5: a commit waits for the disk, on macOS past its cache [sqlite]', () => {
  const db = new DatabaseSync(temporary('sessions.db'));
  db.exec(pragmas.writer);
  const read = (name: string): unknown => db.prepare(`PRAGMA ${name}`).get()?.[name];
  assert.equal(read('journal_mode'), 'wal');
  assert.equal(read('synchronous'), 2);
  // Heeded on macOS only and known everywhere, so it is set without a condition.
  assert.equal(read('fullfsync'), 1);
  db.close();
});
