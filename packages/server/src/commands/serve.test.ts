import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { sqlite } from 'sojourn/sqlite';
import { Visitor } from '../../../../test/visitor.ts';
import { dataFolder, ServerProcess, sojourn } from '../../test/process.ts';
import { ConfigError, readConfig } from '../config.ts';
import { createServer } from '../server.ts';

const password = 'correct horse battery';
const env = { SOJOURN_ADMIN_PASSWORD: password };
const asProgram = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } };

test('first start: the account admin, and its generated password printed once', async (t) => {
  const data = dataFolder(t);
  const first = await ServerProcess.start(t, data);
  const [, generated = ''] = /^Account admin made\. Its password, shown this once: (\S{16})$/m.exec(first.out) ?? [];
  const visitor = new Visitor(first.origin);
  assert.equal((await visitor.post('/login', { username: 'admin', password: generated })).status, 303);
  first.signal('SIGTERM');
  assert.equal(await first.ended(), 0);
  const second = await ServerProcess.start(t, data);
  assert.doesNotMatch(second.out, /password/);
  assert.ok(!second.out.includes(generated));
  // The session outlived the restart; the name of its cookie carries the port.
  const [cookie = ''] = visitor.jar.values();
  const again = new Visitor(second.origin);
  again.jar.set(`sojourn-${new URL(second.origin).port}`, cookie);
  assert.equal((await again.get('/session', asProgram)).status, 200);
});

test('first start: accounts made before it are no reason to go without admin, one that has the permission is', async (t) => {
  for (const [permissions, made] of [
    [[], true],
    [['--permission', 'admin'], false],
  ] as const) {
    const data = dataFolder(t);
    const added = await sojourn(['users', 'add', 'carl', ...permissions, '--data', data], { input: `${password}\n` });
    assert.equal(added.code, 0);
    for (const first of [true, false]) {
      const server = await ServerProcess.start(t, data);
      const says = /^Account admin made\. Its password, shown this once: \S{16}$/m;
      assert.equal(says.test(server.out), made && first, server.out);
      server.signal('SIGTERM');
      assert.equal(await server.ended(), 0);
    }
  }
});

test('two first starts on one folder at once: both serve, with one account and one password', async (t) => {
  const data = dataFolder(t);
  const servers = await Promise.all([1, 2, 3].map(() => ServerProcess.start(t, data)));
  const said = servers.map(({ out }) => out).join('');
  const passwords = [...said.matchAll(/^Account admin made\. Its password, shown this once: (\S{16})$/gm)];
  assert.equal(passwords.length, 1, said);
  const [, generated = ''] = passwords[0] ?? [];
  for (const { origin } of servers) {
    const visitor = new Visitor(origin);
    assert.equal((await visitor.post('/login', { username: 'admin', password: generated })).status, 303);
  }
});

test('a start on another store than the last time says so in one line of the log', async (t) => {
  const data = dataFolder(t);
  const elsewhere = `sqlite:${dataFolder(t)}.db`;
  const own = `sqlite:${data}/../data/sessions.db`;
  const said: string[] = [];
  for (const SOJOURN_STORE of ['', own, elsewhere, elsewhere]) {
    const server = await ServerProcess.start(t, data, { ...env, SOJOURN_STORE });
    server.signal('SIGTERM');
    assert.equal(await server.ended(), 0);
    said.push(server.err);
  }
  assert.deepEqual(said, [
    '',
    '',
    `sojourn store_changed: The sessions of ${data} were in sqlite:${data}/sessions.db the last time and are in ${elsewhere} now: sojourn migrate moves them.\n`,
    '',
  ]);
});

test('SIGTERM: the request under way is answered and kept, no new one is taken, and the process ends with 0', async (t) => {
  const data = dataFolder(t);
  const server = await ServerProcess.start(t, data, env);
  const body = new URLSearchParams({ username: 'admin', password }).toString();
  const held = await holdLastByte(t, server.origin, body);
  const stream = await openStream(t, server.origin);
  const unused = raw(t, server.origin);
  await once(unused.socket, 'connect');
  server.signal('SIGTERM');
  await refusedConnection(server.origin);
  assert.equal(await unused.answer, '', 'a connection without a request is closed at once');
  held.socket.write(body.slice(-1));
  assert.match(await held.answer, /^HTTP\/1\.1 303 /);
  assert.match(await stream.answer, /^HTTP\/1\.1 200 /, 'an open stream is ended, not waited for');
  assert.equal(await server.ended(), 0);
  assert.match(server.out, /^Sojourn has stopped\.$/m);
  const [, id = ''] = /sojourn-\d+=([\w-]{23})\./.exec(await held.answer) ?? [];
  const store = sqlite(join(data, 'sessions.db'));
  assert.equal((await store.find(id))?.ending, undefined);
  assert.ok((await store.find(id))?.subject);
  await store.close();
});

test('a folder that cannot be used stops the start with a sentence', async (t) => {
  const data = dataFolder(t);
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'a-file'), '');
  mkdirSync(join(data, 'blocked', 'users.db'), { recursive: true });
  newer(join(data, 'newer-sessions'), 'sessions.db');
  newer(join(data, 'newer-users'), 'users.db');
  const cases: [folder: string, says: RegExp][] = [
    ['a-file/data', /ENOTDIR|EEXIST/],
    ['a-file', /EEXIST/],
    ['blocked', /unable to open database file\. Name a folder that this user may write with --data\.$/],
    ['newer-sessions', /sessions\.db is of version 99, made by a newer release/],
    ['newer-users', /users\.db is of version 99, made by a newer release/],
  ];
  for (const [folder, says] of cases) {
    await assert.rejects(createServer(readConfig(['--data', join(data, folder)], {})), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, new RegExp(`^The server cannot keep its data in .*${folder}: `));
      assert.match(error.message, says);
      return true;
    });
  }
  if (existsSync('/proc')) {
    const nowhere = await sojourn(['serve', '--port', '0', '--data', '/proc/nope']);
    assert.match(
      nowhere.err,
      /^The server cannot keep its data in \/proc\/nope: ENOENT.*--data\.$/m,
      'and does not hang',
    );
  }
  const { code, out, err } = await sojourn(['serve', '--port', '0', '--data', join(data, 'newer-sessions')]);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^The server cannot keep its data in [^\n]+\n$/, 'and no stack');
});

test('a file that others can read stops the start, with the fix and no other advice, and is left as it is', async (t) => {
  for (const file of ['sessions.db', 'users.db']) {
    const data = dataFolder(t);
    const config = readConfig(['--data', data], {});
    await (await createServer(config)).close();
    const path = join(data, file);
    chmodSync(path, 0o644);
    await assert.rejects(createServer(config), {
      name: 'ConfigError',
      message: `The server cannot keep its data in ${data}: ${path} can be read by others (mode 644). Run: chmod 600 ${path}`,
    });
    assert.equal(statSync(path).mode & 0o777, 0o644);
    chmodSync(path, 0o600);
    await (await createServer(config)).close();
  }
});

test('a setting that cannot be stops the start with a sentence, and nothing is left running', async (t) => {
  const cases: [args: string[], env: NodeJS.ProcessEnv, says: RegExp][] = [
    [[], { SOJOURN_ADMIN_PASSWORD: 'short' }, /^SOJOURN_ADMIN_PASSWORD: Use a password of at least 8 characters\.\n$/],
    [['--origin', 'http://sessions.example'], env, /^--origin http:\/\/sessions\.example: use https[^\n]+\n$/],
    [
      ['--origin', 'https://sessions.example/app'],
      env,
      /^--origin [^\n]+: write it as https:\/\/sessions\.example\.\n$/,
    ],
    [['--store', 'redis://localhost:1'], env, /^The server cannot keep sessions in redis:\/\/localhost:1: [^\n]+\n$/],
    [['--trust-proxy', '1'], env, /^--trust-proxy 1: set --origin too, the https address that people use\.\n$/],
    [['--prot', '1'], env, /^Unknown option '--prot'\. See sojourn serve --help\.\n$/],
    [
      [],
      { SOJOURN_TRUST_PROXIES: '1' },
      /^SOJOURN_TRUST_PROXIES is not a setting\. The nearest are SOJOURN_TRUST_PROXY, /,
    ],
    [['--port', 'seven'], env, /^--port seven: use a whole number from 0 to 65535\.\n$/],
  ];
  for (const [args, settings, says] of cases) {
    const port = args.includes('--port') ? [] : ['--port', '0'];
    const data = dataFolder(t);
    const { code, err } = await sojourn(['serve', ...port, ...args, '--data', data], { env: settings });
    assert.equal(code, 1, args.join(' '));
    assert.match(err, says);
    assert.ok(!existsSync(data), `${args.join(' ')} leaves no folder behind`);
  }
});

test('a port that is taken stops the start with a sentence', async (t) => {
  const server = await ServerProcess.start(t, dataFolder(t), env);
  const { port } = new URL(server.origin);
  const { code, err } = await sojourn(['serve', '--port', port, '--data', dataFolder(t)], { env });
  assert.equal(code, 1);
  assert.match(err, /^The server cannot listen: .*EADDRINUSE.* Choose another --port or --host\.\n$/);
  const data = dataFolder(t);
  const unlucky = await sojourn(['serve', '--port', port, '--data', data]);
  assert.deepEqual([unlucky.code, unlucky.out], [1, ''], 'no password is said');
  assert.match((await ServerProcess.start(t, data)).out, /^Account admin made\. Its password, shown this once: /m);
});

/** A folder with one file of a release that is not there yet. */
function newer(folder: string, file: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, file);
  writeFileSync(path, '', { mode: 0o600 });
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
}

interface Raw {
  readonly socket: Socket;
  /** All that came, once the connection has closed. */
  readonly answer: Promise<string>;
}

function raw(t: TestContext, origin: string): Raw {
  const { port } = new URL(origin);
  const socket = connect(Number(port), 'localhost').setEncoding('utf8');
  t.after(() => socket.destroy());
  return {
    socket,
    answer: new Promise((resolve, reject) => {
      let text = '';
      socket.on('data', (chunk: string) => {
        text += chunk;
      });
      socket.on('error', reject).on('close', () => resolve(text));
    }),
  };
}

/** A sign-in whose body lacks its last byte, known to be under way: the server said to go on. */
async function holdLastByte(t: TestContext, origin: string, body: string): Promise<Raw> {
  const made = raw(t, origin);
  const { host } = new URL(origin);
  const head = [
    'POST /login HTTP/1.1',
    `Host: ${host}`,
    'Sec-Fetch-Site: same-origin',
    'Accept: text/html',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
    'Connection: close',
  ];
  const continued = new Promise<void>((resolve) => {
    made.socket.once('data', () => resolve());
  });
  made.socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await continued;
  made.socket.write(body.slice(0, -1));
  return { socket: made.socket, answer: made.answer.then((text) => text.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '')) };
}

/** A stream of events that is open: its first bytes have come. */
async function openStream(t: TestContext, origin: string): Promise<Raw> {
  const visitor = new Visitor(origin);
  await visitor.get('/');
  const made = raw(t, origin);
  const begun = new Promise<void>((resolve) => {
    made.socket.once('data', () => resolve());
  });
  const { host } = new URL(origin);
  made.socket.write(`GET /session/events HTTP/1.1\r\nHost: ${host}\r\nCookie: ${visitor.cookie}\r\n\r\n`);
  await begun;
  return made;
}

/** Tries until the server takes no new connection: it has begun to stop. */
async function refusedConnection(origin: string): Promise<void> {
  const { port } = new URL(origin);
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), 'localhost', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
    if (!open) return;
  }
}
