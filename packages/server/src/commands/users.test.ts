import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Visitor } from '../../../../test/visitor.ts';
import { breakStore } from '../../test/broken-store.ts';
import { dataFolder, type Ran, ServerProcess, sojourn } from '../../test/process.ts';
import { users } from './users.ts';

const password = 'correct horse battery';
const asProgram = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } };

test('users: add, list, disable, enable and set-password, while a server runs on the same folder', async (t) => {
  const data = dataFolder(t);
  const server = await ServerProcess.start(t, data, { SOJOURN_ADMIN_PASSWORD: password });
  const added = await sojourn(['users', 'add', 'ada', '--permission', 'orders:read', '--data', data, '--json'], {
    input: `${password}\n`,
  });
  assert.deepEqual([added.code, added.err], [0, '']);
  assert.deepEqual([JSON.parse(added.out).name, JSON.parse(added.out).permissions], ['ada', ['orders:read']]);
  const ada = new Visitor(server.origin);
  assert.equal((await ada.post('/login', { username: 'ada', password })).status, 303);

  assert.equal(
    await printed(t, 'disable', 'ada', '--data', data),
    'Account ada disabled. This command ended one session.',
  );
  const refused = await ada.get('/session', asProgram);
  assert.deepEqual([refused.status, refused.json['reason']], [401, 'account_disabled']);
  assert.equal((await ada.post('/login', { username: 'ada', password })).status, 401);
  const listed = JSON.parse(await printed(t, 'list', '--data', data, '--json'));
  const states = listed.map(({ name, disabled }: { name: string; disabled: boolean }) => [name, disabled]);
  assert.deepEqual(states, [
    ['ada', true],
    ['admin', false],
  ]);

  assert.equal(await printed(t, 'enable', 'ada', '--data', data), 'Account ada enabled.');
  assert.equal((await ada.post('/login', { username: 'ada', password })).status, 303);
  const set = await sojourn(['users', 'set-password', 'ada', '--data', data, '--json'], {
    input: 'another long one\n',
  });
  assert.deepEqual(JSON.parse(set.out), { name: 'ada', ended: 1 });
  assert.equal((await ada.get('/session', asProgram)).json['reason'], 'password_changed');
  assert.equal((await ada.post('/login', { username: 'ada', password: 'another long one' })).status, 303);
});

test('users: what cannot be is said in a sentence, and a password is never an argument', async (t) => {
  const data = dataFolder(t);
  const cases: [args: string[], says: RegExp][] = [
    [['add', 'ada', '--password', password], /^Unknown option '--password'.* See sojourn users --help\.$/],
    [['add', 'ada', password], /^Name an action, and an account/],
    [['disable', 'ada'], /^There are no accounts in .*: name the server's folder with --data\.$/],
    [['list'], /^There are no accounts in/],
    [['list', 'ada'], /^Name an action/],
    [['lst'], /^There is no action lst: use add, list, disable, enable, set-password\.$/],
    [[], /^Name an action/],
  ];
  for (const [args, message] of cases) {
    await assert.rejects(users([...args, '--data', data]), { message }, args.join(' '));
  }
  assert.ok(!existsSync(data), 'nothing is made where a folder was mistyped');
  const [none, short] = await Promise.all([
    sojourn(['users', 'add', 'ada', '--data', data]),
    sojourn(['users', 'add', 'ada', '--data', data], { input: 'short\n' }),
  ]);
  assert.ok(!existsSync(data), 'nor for an account that cannot be made');
  assert.match(none.err, /^Give the password on standard input, as in: .*\n$/);
  assert.deepEqual(short, { code: 1, out: '', err: 'Use a password of at least 8 characters.\n' });
});

test('users: sessions are ended in the store of the folder’s server, or the command is refused', async (t) => {
  const data = dataFolder(t);
  const elsewhere = `sqlite:${dataFolder(t)}.db`;
  const server = await ServerProcess.start(t, data, { SOJOURN_ADMIN_PASSWORD: password, SOJOURN_STORE: elsewhere });
  const admin = new Visitor(server.origin);
  assert.equal((await admin.post('/login', { username: 'admin', password })).status, 303);
  for (const [action, input] of [
    ['disable', ''],
    ['enable', ''],
    ['set-password', 'another long one\n'],
  ] as const) {
    const { code, out, err } = await sojourn(['users', action, 'admin', '--data', data], { input });
    assert.deepEqual([code, out], [1, ''], action);
    assert.equal(
      err,
      `The server on ${data} keeps its sessions in ${elsewhere}, not in sqlite:${data}/sessions.db: give the store that it was started with by --store or SOJOURN_STORE.\n`,
    );
  }
  assert.match(await printed(t, 'list', '--data', data), /^admin +enabled/, 'and the account is as it was');
  assert.ok(!existsSync(join(data, 'sessions.db')), 'no empty store is made');
  const disabled = await printed(t, 'disable', 'admin', '--data', data, '--store', elsewhere);
  assert.equal(disabled, 'Account admin disabled. This command ended one session.');
  assert.equal((await admin.get('/session', asProgram)).json['reason'], 'account_disabled');
});

test('users: an account is made before any server has run, which is said, and no store with it', async (t) => {
  const data = dataFolder(t);
  const add = (name: string): Promise<Ran> =>
    sojourn(['users', 'add', name, '--data', data, '--json'], { input: `${password}\n` });
  const { code, out, err } = await add('ada');
  assert.deepEqual([code, JSON.parse(out).name], [0, 'ada']);
  assert.equal(
    err,
    `There were no accounts in ${data}: this is the first, for a server that is yet to be started there. If yours keeps them elsewhere, name its folder with --data.\n`,
  );
  assert.equal((await add('ben')).err, '', 'said once');
  await assert.rejects(users(['enable', 'eva', '--data', data]), { message: /^There is no account eva\./ });
  assert.match(await printed(t, 'list', '--data', data), /^ada .*\nben /);
  await assert.rejects(users(['disable', 'ada', '--data', data]), {
    message: /^There are no sessions in sqlite:.*: start the server first, or give the store .* SOJOURN_STORE\.$/,
  });
  assert.ok(!existsSync(join(data, 'sessions.db')));
});

test('users: where the store fails halfway it is said what is done and what is not, and the same again completes it', async (t) => {
  const data = dataFolder(t);
  const server = await ServerProcess.start(t, data, { SOJOURN_ADMIN_PASSWORD: password });
  const admin = new Visitor(server.origin);
  assert.equal((await admin.post('/login', { username: 'admin', password })).status, 303);
  const run = (action: string): Promise<Ran> =>
    sojourn(['users', action, 'admin', '--data', data], { input: 'another long one\n' });
  const mend = breakStore(join(data, 'sessions.db'));
  for (const [action, says] of [
    [
      'set-password',
      /^The new password of admin holds, and its sessions are not ended yet: .*\. The server ends them before it serves the account again; run this once more to end them now\.\n$/,
    ],
    [
      'disable',
      /^Account admin is disabled, and its sessions are not ended yet: .*\. The server refuses each; run this once more to end them now\.\n$/,
    ],
    ['enable', /^Account admin is still disabled: .*\. Run this once more\.\n$/],
  ] as const) {
    const { code, out, err } = await run(action);
    assert.deepEqual([code, out], [1, ''], action);
    assert.match(err, says);
  }
  mend();
  assert.equal((await run('disable')).out, 'Account admin disabled. This command ended one session.\n');
  assert.equal((await run('enable')).out, 'Account admin enabled.\n');
  assert.equal(
    (await run('set-password')).out,
    'Password of admin set. No session was left for this command to end.\n',
  );
  assert.equal((await admin.post('/login', { username: 'admin', password: 'another long one' })).status, 303);
  const mendAgain = breakStore(join(data, 'sessions.db'));
  assert.equal((await run('set-password')).code, 1);
  mendAgain();
  assert.equal((await run('set-password')).out, 'Password of admin set. This command ended one session.\n');
});

/** What the command prints, run in this process and so beside the server's. */
async function printed(t: TestContext, ...args: string[]): Promise<string> {
  const { mock } = t.mock.method(console, 'log', () => {});
  await users(args);
  const lines = mock.calls.map(({ arguments: [line] }) => String(line));
  mock.restore();
  return lines.join('\n');
}
