import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { dataFolder } from '../../test/process.ts';
import { hashPassword, isPassword } from './password.ts';
import { Users } from './users.ts';

const password = 'correct horse battery';

/** Counts the argon2 computations that begin. */
function counting(t: TestContext): () => number {
  let begun = 0;
  const hook = createHook({
    init(_id, type) {
      if (/argon2/i.test(type)) begun += 1;
    },
  }).enable();
  t.after(() => hook.disable());
  return () => begun;
}

test('a password is kept as argon2id with 19 MiB, two passes and a salt of its own', async () => {
  const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)]);
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(one, two);
  assert.equal(await isPassword(password, one), true);
  assert.equal(await isPassword(`${password} `, one), false);
});

test('right, wrong, unknown and disabled cost the same work: one computation, with the same parameters', async (t) => {
  const users = Users.open(':memory:');
  t.after(() => users.close());
  await users.add('ada', password, []);
  const { id } = await users.add('ben', password, []);
  users.setDisabled(id, true);
  await users.add('cyd', 'x'.repeat(256), []);
  const computations = counting(t);
  const tries: [name: string, given: string, outcome: string | undefined][] = [
    ['ada', password, 'ada'],
    ['ada', 'not the password', undefined],
    ['nobody', 'not the password', undefined],
    ['', '', undefined],
    ['ben', password, undefined],
    ['ben', 'not the password', undefined],
    ['ada', password + 'x'.repeat(100_000), undefined],
    ['cyd', 'x'.repeat(256), 'cyd'],
    ['cyd', 'x'.repeat(257), undefined],
  ];
  for (const [name, given, outcome] of tries) {
    const before = computations();
    assert.equal((await users.verify(name, given))?.user.name, outcome, name);
    assert.equal(computations() - before, 1, name);
  }
});

test('a flood of sign-ins hashes four at a time, and each gets its answer', async (t) => {
  const users = Users.open(':memory:');
  t.after(() => users.close());
  await users.add('ada', password, []);
  const computations = counting(t);
  let answered = 0;
  let most = 0;
  const tries = Array.from({ length: 12 }, async (_, i) => {
    const checked = await users.verify('ada', i % 2 === 0 ? password : 'not the password');
    answered += 1;
    most = Math.max(most, computations() - answered);
    return checked !== null;
  });
  const right = (await Promise.all(tries)).filter(Boolean);
  assert.deepEqual([right.length, computations()], [6, 12]);
  assert.ok(most <= 4, `${most} at once`);
});

test('names and passwords are checked with a sentence each; a name is taken in any case', async (t) => {
  const users = Users.open(':memory:');
  t.after(() => users.close());
  await users.add('Ada', password, ['demo:read']);
  assert.equal(users.byName('ada')?.name, 'Ada');
  await assert.rejects(users.add('ADA', password, []), { name: 'UserError', message: 'The name ADA is taken.' });
  await assert.rejects(users.add('a b', password, []), { name: 'UserError', message: /^A name has 1 to 64 / });
  await assert.rejects(users.add('ben', 'short', []), { name: 'UserError', message: /at least 8 characters/ });
  await assert.rejects(users.add('ben', 'x'.repeat(257), []), { name: 'UserError', message: /at most 256 characters/ });
  assert.deepEqual(
    users.all().map(({ name }) => name),
    ['Ada'],
  );
});

test('of two that take a name at once the second is told that it is taken', async (t) => {
  const path = dataFolder(t);
  const [one, other] = [Users.open(path), Users.open(path)];
  t.after(() => [one, other].map((users) => users.close()));
  const tries = await Promise.allSettled([one.add('ada', password, []), other.add('Ada', password, [])]);
  const refused = tries.flatMap((tried) => (tried.status === 'rejected' ? [String(tried.reason)] : []));
  assert.equal(refused.length, 1);
  assert.match(refused[0] ?? '', /^UserError: The name ada is taken\.$/i);
});

test('a file of the first version is brought forward, with its accounts', async (t) => {
  const path = dataFolder(t);
  const users = Users.open(path);
  const { id } = await users.add('ada', password, []);
  users.close();
  const db = new DatabaseSync(path);
  db.exec('DROP TABLE owed; PRAGMA user_version = 1');
  db.close();
  const again = Users.open(path);
  t.after(() => again.close());
  await again.setPassword(id, 'another long one', { by: 'operator' });
  assert.equal((await again.verify('ada', 'another long one'))?.user.id, id);
  assert.deepEqual(again.owed(id), [{ number: 1, by: 'operator' }]);
});

test('a file that somebody holds is waited for as long as any write, then told of', (t) => {
  const path = dataFolder(t);
  Users.open(path).close();
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  // As if it were of an earlier version, which opening is to bring forward.
  other.exec('PRAGMA user_version = 1; BEGIN IMMEDIATE');
  assert.throws(() => Users.open(path), /database is locked/);
  other.exec('ROLLBACK');
  Users.open(path).close();
});

test('what a new password owes stands until it is settled, each by itself', async (t) => {
  const users = Users.open(':memory:');
  t.after(() => users.close());
  const { id } = await users.add('ada', password, []);
  await users.setPassword(id, 'another long one', { except: 'all', by: id });
  await users.setPassword(id, 'another long two', { by: 'operator' });
  const [first, second, ...more] = users.owed(id);
  assert.deepEqual([first?.except, second?.except, more], ['all', undefined, []]);
  users.settle(first?.number ?? 0);
  assert.deepEqual(users.owed(id), [second]);
  await assert.rejects(users.setPassword(id, 'short', { by: id }), { name: 'UserError' });
  assert.equal(users.owed(id).length, 1, 'and nothing for a password that was refused');
  await assert.rejects(users.setPassword('nobody', password, { by: 'operator' }), { name: 'UserError' });
  assert.deepEqual(users.owed('nobody'), [], 'nor for an account that does not exist');
});

test('a password takes the place of the very one that was checked, by leave that is asked once it is hashed', async (t) => {
  const users = Users.open(':memory:');
  t.after(() => users.close());
  const { id } = await users.add('ada', password, []);
  const checked = await users.verify('ada', password);
  assert.ok(checked);
  const change = (assertMay: () => Promise<void> = async () => {}): Promise<boolean> =>
    users.changePassword(checked, 'another long one', { by: id }, assertMay);
  const computations = counting(t);
  await assert.rejects(
    change(async () => {
      assert.equal(computations(), 1);
      throw new RangeError('not any more');
    }),
    RangeError,
  );
  users.setDisabled(id, true);
  assert.equal(await change(), false);
  users.setDisabled(id, false);
  assert.deepEqual([await change(), await change()], [true, false]);
  assert.equal(users.owed(id).length, 1);
  assert.equal((await users.verify('ada', 'another long one'))?.user.id, id);
});

test('nobody else on the machine reads the file, and no password is in it', async (t) => {
  const path = dataFolder(t);
  const users = Users.open(path);
  await users.add('ada', password, []);
  users.close();
  assert.equal(statSync(path).mode & 0o077, 0);
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare('SELECT * FROM users').get();
  db.close();
  assert.ok(!JSON.stringify(row).includes(password));
});
