import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqlite } from 'sojourn/sqlite';
import { Visitor } from '../../../../test/visitor.ts';
import { created } from '../../../sojourn/src/stores/contract/subject.ts';
import { Afterwards, type Moved, movedEngines, skipMoves } from '../../test/migration.ts';
import { dataFolder, sojourn } from '../../test/process.ts';
import { readConfig } from '../config.ts';
import { createServer, type Server } from '../server.ts';
import { migrate } from './migrate.ts';

const password = 'correct horse battery';
const asProgram = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } };

/** The server on an engine. Accounts stand in the folder, whichever the engine. */
async function serving(
  afterwards: Afterwards,
  data: string,
  address: string,
): Promise<{ server: Server; origin: string }> {
  const server = await createServer(readConfig(['--data', data, '--store', address, '--port', '0'], {}));
  afterwards.after(() => server.close());
  return { server, origin: await server.app.listen({ port: 0, host: 'localhost' }) };
}

/** The same browser at another port: there the cookie has another name. */
function at(origin: string, visitor: Visitor): Visitor {
  const moved = new Visitor(origin);
  const [token = ''] = visitor.jar.values();
  moved.jar.set(`sojourn-${new URL(origin).port}`, token);
  return moved;
}

function idOf({ jar }: Visitor): string {
  const [token = ''] = jar.values();
  return token.split('.')[0] ?? '';
}

async function signedIn(origin: string, username: string): Promise<Visitor> {
  const visitor = new Visitor(origin);
  assert.equal((await visitor.post('/login', { username, password })).status, 303);
  return visitor;
}

async function run(from: Moved, to: Moved): Promise<Record<string, unknown>> {
  const { out, err, code } = await sojourn(['migrate', '--from', from.address, '--to', to.address, '--json']);
  assert.equal(err, '');
  const told = JSON.parse(out);
  assert.equal(code, told.refused.count > 0 ? 1 : 0);
  return told;
}

const pairs = [
  ['sqlite', 'postgres'],
  ['sqlite', 'redis'],
  ['postgres', 'redis'],
  ['redis', 'sqlite'],
] as const;

for (const [one, other] of pairs) {
  test(`migrate: nobody is signed out, and what had ended stays so [${one} to ${other}]`, {
    skip: skipMoves,
  }, async (t) => {
    const afterwards = new Afterwards(t);
    const data = dataFolder(t);
    const [from, to] = [await movedEngines[one](afterwards, data), await movedEngines[other](afterwards, data)];
    const old = await serving(afterwards, data, from.address);
    const { users, sessions } = old.server.context;
    for (const name of ['ada', 'ben', 'cleo', 'dan']) await users.add(name, password, ['orders:read']);
    const [ada, out, later, spoilt] = await Promise.all(
      ['ada', 'ada', 'cleo', 'dan'].map((name) => signedIn(old.origin, name)),
    );
    assert.ok(ada && out && later && spoilt);
    const stranger = new Visitor(old.origin);
    await stranger.get('/');
    await out.post('/logout');
    // In the engine only: the accounts' own file would refuse by itself.
    await sessions.disable(users.byName('ben')?.id ?? '', { by: 'root' });
    const first = await run(from, to);
    assert.deepEqual(
      [first['moved'], first['endedMeanwhile'], first['refused']],
      [4, 0, { count: 0, by: {}, sessions: [] }],
    );

    await later.post('/logout');
    const begun = await signedIn(old.origin, 'ada');
    await old.server.close();
    await from.spoil(idOf(spoilt));
    const second = await run(from, to);
    assert.deepEqual([second['moved'], second['endedMeanwhile']], [1, 1]);
    const { count, by, sessions: refused } = Object(second['refused']);
    assert.deepEqual([count, by, refused[0].id], [1, { unreadable: 1 }, idOf(spoilt)]);

    const now = await serving(afterwards, data, to.address);
    assert.equal((await seen(at(now.origin, ada))).status, 200);
    assert.equal((await seen(at(now.origin, begun))).status, 200);
    assert.equal((await seen(at(now.origin, spoilt))).status, 200);
    const visiting = at(now.origin, stranger);
    await visiting.get('/');
    assert.equal(idOf(visiting), idOf(stranger));
    for (const ended of [out, later]) {
      const { status, json } = await seen(at(now.origin, ended));
      assert.deepEqual([status, json['code'], json['reason']], [401, 'session_terminated', 'signed_out']);
    }
    const ben = await new Visitor(now.origin).post('/login', { username: 'ben', password });
    assert.notEqual(ben.status, 303);
    const { users: accounts, sessions: here } = now.server.context;
    const kept = await here.list(accounts.byName('ada')?.id ?? '');
    assert.deepEqual(kept.live.map(({ id }) => id).sort(), [idOf(ada), idOf(begun)].sort());
  });
}

function seen(visitor: Visitor): ReturnType<Visitor['get']> {
  return visitor.get('/session', asProgram);
}

test('migrate: what cannot be is said in a sentence, without passwords, and nothing is made', async (t) => {
  const data = dataFolder(t);
  const missing = `sqlite:${join(data, 'none.db')}`;
  const cases: [args: string[], says: RegExp][] = [
    [[], /^--from: use sqlite:/],
    [['--from', 'redis://u:secret@host', '--to', 'mysql://u:secret@host'], /^--to mysql:\/\/u@host: use sqlite:/],
    [['--from', missing, '--to', missing], /^--from and --to are the same engine/],
    [['--from', missing, '--to', 'redis://localhost:1'], /^--from sqlite:.*none\.db: there is no such file\.$/],
    [
      ['--from', 'redis://u:secret@127.0.0.1:1', '--to', missing],
      /^--from redis:\/\/u@127\.0\.0\.1:1 cannot be opened: /,
    ],
    [['--store', missing], /^Unknown option '--store'.* See sojourn migrate --help\.$/],
  ];
  for (const [args, message] of cases) {
    await assert.rejects(migrate(args), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  assert.equal(existsSync(join(data, 'none.db')), false);
});

test('migrate: the answer for people', async (t) => {
  const data = dataFolder(t);
  const [from, to] = ['from', 'to'].map((name) => join(data, `${name}.db`));
  const store = sqlite(from ?? '');
  await created(store, 'u1');
  await store.close();
  const { out, code } = await sojourn(['migrate', '--from', `sqlite:${from}`, '--to', `sqlite:${to}`]);
  assert.equal(code, 0);
  assert.equal(out.split('\n')[0], `From sqlite:${from} to sqlite:${to}:`);
  assert.match(out, /^ +1 live sessions moved$/m);
  assert.match(out, /^ +0 refused$/m);
});
