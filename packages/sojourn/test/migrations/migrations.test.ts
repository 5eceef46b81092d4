import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { TestClock } from '../../src/testing/clock.ts';
import { code, Lab } from '../lab.ts';
import { Elsewhere } from '../processes/elsewhere.ts';
import { temporary } from '../temporary.ts';

const version1 = readFileSync(join(import.meta.dirname, 'version-1.sql'), 'utf8');
/** When the old file was closed, and the tokens of those in it. */
const closedAt = Date.UTC(2026, 0, 1, 0, 1);
const tokens = {
  visitor: '75wdDRf-UulevCv3kqP5FNQ.2jwrMHBT2JxFlFf6oTWXqnHfVsnopYdm6kyM_40z1oA',
  signedIn: 'uztOXvSpREmY5BQ1z2stxSA.WMYUIzYZhEOoWjMMEIvkPj40iPD3QCG1t_LJlbMo0xM',
  signedOut: 'ut_D4MGHDmW5C47Dgw7phUA.igGKE9_vmt-cFmikMyN4jlTHt3LSKaNerd7h8ix2qfw',
  given: 'bDzrXH2t3ehnKyNPgEVFIuA.sNOAHZQxHhL_0EWo7c8iSabeKsNmMKb4QvCw3ZEuNGw',
  disabled: 'AOGiTzQlQu0N8ra_T2W5Q4w.0hsN79s0NoO0tK1rhnYcgIuOQEGr_yu9AF6V7cmDfKY',
};

function oldFile(): string {
  const path = temporary('sessions.db');
  withFile(path, (db) => db.exec(`PRAGMA journal_mode = WAL; BEGIN; ${version1} COMMIT`));
  chmodSync(path, 0o600);
  return path;
}

function withFile<T>(path: string, run: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    return run(db);
  } finally {
    db.close();
  }
}

/** What a file is made of, and how often that was changed. */
function shape(path: string): { objects: unknown; version: unknown; changes: unknown; whole: unknown } {
  return withFile(path, (db) => ({
    objects: db
      .prepare(`SELECT type, name, replace(replace(sql, char(10), ''), ' ', '') AS sql
                         FROM sqlite_master ORDER BY type, name`)
      .all(),
    version: db.prepare('PRAGMA user_version').get(),
    changes: db.prepare('PRAGMA schema_version').get(),
    whole: db.prepare('PRAGMA integrity_check').get(),
  }));
}

async function fresh(): Promise<string> {
  const path = temporary('sessions.db');
  await sqlite(path).close();
  return path;
}

/** Everybody in the old file is treated as the release that wrote it would have. */
async function checkOldFile(path: string): Promise<void> {
  const lab = new Lab({
    engine: (now) => sqlite(path, { now }),
    clock: new TestClock(closedAt + 1000),
    policy: { handover: { cart: 'keep' } },
  });
  const browser = (token: string | null): ReturnType<Lab['browser']> => Object.assign(lab.browser(), { token });
  const events = await lab.events();
  assert.equal(events.length, 8);
  assert.deepEqual(
    events.map(({ at }) => at),
    events.map(({ at }) => at).sort((a, b) => a - b),
  );
  assert.equal(await lab.browser().refusal(tokens.signedOut), 'session_terminated');
  assert.equal(await lab.browser().refusal(tokens.disabled), 'session_terminated');
  await assert.rejects(lab.signedIn('u3'), code('subject_changed'));

  const user = browser(tokens.signedIn);
  const session = await user.signedIn();
  assert.deepEqual(
    [session.subject, [...session.permissions], session.data],
    ['u1', ['read', 'write'], { cart: ['book'], n: 7 }],
  );
  const { live, ended } = await lab.sessions.list('u1');
  assert.deepEqual([live.length, ended.map(({ reason }) => reason)], [1, ['signed_out']]);
  await session.update((draft) => {
    draft.n = 8;
  });
  const given = browser(tokens.given);
  await given.visit();
  assert.deepEqual([...(await given.signedIn()).permissions], ['admin']);
  const visitor = browser(tokens.visitor);
  await (await visitor.visit()).signIn('u1', { checkedAt: lab.clock.now() });
  assert.deepEqual((await visitor.signedIn()).data.cart, ['tea']);
  assert.equal((await user.signedIn()).data.n, 8);
  assert.equal(await lab.sessions.terminateAll('u1'), 2);
  for (const pause of ['12h', '1d'] as const) {
    lab.clock.advance(pause);
    while ((await lab.sessions.sweep()).more);
  }
  assert.deepEqual((await lab.store.page(null, 10)).records, []);
  await lab.sessions.close();
}

test('a file of the first schema is brought to this one’s with all that is in it [sqlite]', async () => {
  const path = oldFile();
  await checkOldFile(path);
  const [{ objects, version, whole }, wanted] = [shape(path), shape(await fresh())];
  assert.deepEqual(
    { objects, version, whole },
    { objects: wanted.objects, version: wanted.version, whole: wanted.whole },
  );
  const plan = withFile(path, (db) =>
    db.prepare(`EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE subject = 'u1' AND state = 'signed-in'`).all(),
  );
  assert.match(JSON.stringify(plan), /sessions_by_subject \(subject=\? AND state=\?\)/);
});

const rounds = 4;
const others: Elsewhere[] = [];
after(() => Promise.all(others.map((other) => other.stop())));

/** A new file takes many statements, much alike: every third is enough. */
for (const [file, make, step] of [
  ['a new file', () => temporary('sessions.db'), 3],
  ['an old file', oldFile, 1],
] as const) {
  test(`four processes that open ${file} at once migrate it once [sqlite]`, async () => {
    const alone = make();
    await sqlite(alone).close();
    while (others.length < 4) others.push(new Elsewhere());
    for (let round = 0; round < rounds; round++) {
      const path = make();
      const stores = await Promise.all(others.map((other) => other.open(path, () => closedAt)));
      await Promise.all(stores.map((store) => store.touch([])));
      await Promise.all(stores.map((store) => store.close()));
      assert.deepEqual(shape(path), shape(alone));
    }
  });

  test(`G5: ${file} is usable whenever its opening was killed [sqlite]`, async () => {
    const wanted = shape(await fresh()).objects;
    let statements = step;
    for (; ; statements += step) {
      const path = make();
      const script = join(import.meta.dirname, 'killed.ts');
      const { signal, status, stderr } = spawnSync(process.execPath, [script, path, String(statements)]);
      if (signal === null) {
        assert.equal(status, 0, String(stderr));
        break;
      }
      assert.equal(signal, 'SIGKILL');
      await sqlite(path).close();
      assert.deepEqual(shape(path).objects, wanted, `killed after ${statements} statements`);
      if (file === 'an old file') await checkOldFile(path);
    }
    assert.ok(statements > 10, `${statements} statements`);
  });
}
