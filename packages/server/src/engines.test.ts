import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { Visitor } from '../../../test/visitor.ts';
import { postgresServer } from '../../sojourn/test/stores/postgres-server.ts';
import { skipWithout } from '../../sojourn/test/stores/process.ts';
import { redisServer } from '../../sojourn/test/stores/redis-server.ts';
import { dataFolder, sojourn } from '../test/process.ts';
import { SilentProxy } from '../test/silent-proxy.ts';
import { ConfigError, readConfig } from './config.ts';
import { shownAddress } from './engines.ts';
import { createServer } from './server.ts';

/* The server on each networked engine: two of them share one, as two machines would. */

const engines = {
  redis: { skip: skipWithout('redis-server'), start: redisServer },
  postgres: { skip: skipWithout('initdb', 'postgres'), start: postgresServer },
} as const;

for (const [name, { skip, start }] of Object.entries(engines)) {
  test(`G7 G10: two servers on one ${name} know each other’s sessions and endings`, { skip }, async () => {
    const engine = await start();
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
    const config = readConfig(['--data', join(folder, 'data'), '--port', '0', '--store', engine.url], {});
    const servers = [await createServer(config), await createServer(config)];
    try {
      const [one, other] = await Promise.all(
        servers.map(async ({ app }) => new Visitor(await app.listen({ port: 0, host: 'localhost' }))),
      );
      assert.ok(one && other);
      await servers[0]?.context.users.add('ada', 'correct horse battery', ['orders:read']);
      assert.equal((await one.post('/login', { username: 'ada', password: 'correct horse battery' })).status, 303);
      // A cookie is named after the port of loopback; behind one origin it is the same for both.
      const [token = ''] = [...one.jar.values()];
      other.jar.set(`sojourn-${new URL(other.origin).port}`, token);
      assert.equal((await other.get('/session')).json['subject'], (await one.get('/session')).json['subject']);
      assert.equal((await other.post('/logout')).status, 303);
      const refused = await one.get('/session', { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } });
      assert.deepEqual([refused.status, refused.json['code']], [401, 'session_terminated']);
    } finally {
      for (const server of servers) await server.close();
      await engine.stop();
      rmSync(folder, { recursive: true });
    }
  });
}

for (const [name, { skip, start }] of Object.entries(engines)) {
  test(`G8: while ${name} is out of reach, who is signed in gets a 503 page and keeps their cookie`, {
    skip,
  }, async (t) => {
    const engine = await start();
    t.after(() => engine.stop());
    const proxy = new SilentProxy(engine.url);
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const config = readConfig(['--data', join(folder, 'data'), '--port', '0', '--store', await proxy.start()], {});
    const server = await createServer(config);
    t.after(() => server.close());
    const browser = new Visitor(await server.app.listen({ port: 0, host: 'localhost' }));
    await server.context.users.add('ada', 'correct horse battery', []);
    assert.equal((await browser.post('/login', { username: 'ada', password: 'correct horse battery' })).status, 303);
    const jar = new Map(browser.jar);
    proxy.stop();
    // What is remembered is served for the bound; whoever writes is looked up anew.
    for (const path of ['/account/sessions/terminate-others', '/logout']) {
      const { status, headers } = await browser.post(path);
      assert.deepEqual([status, headers.get('retry-after') !== null, headers.getSetCookie()], [503, true, []], path);
    }
    let answer = await browser.get('/account');
    while (answer.status === 200) answer = await browser.get('/account');
    assert.deepEqual([answer.status, answer.headers.get('retry-after') !== null], [503, true]);
    assert.match(answer.text, /<h1/);
    assert.deepEqual(browser.jar, jar);
  });
}

test('an engine that does not answer stops the start, without its password in the message', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  for (const address of ['redis://user:secret@127.0.0.1:1', 'postgres://user:secret@127.0.0.1:1/db']) {
    const config = readConfig(['--data', join(folder, 'data'), '--store', address], {});
    await assert.rejects(createServer(config), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /cannot keep sessions in/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  rmSync(folder, { recursive: true });
});

const refusing = {
  redis: {
    skip: process.env['REDIS_URL'] ? 'needs a server of its own' : engines.redis.skip,
    start: () => redisServer('--appendonly', 'no'),
    says: /appendonly/,
  },
  postgres: {
    skip: process.env['DATABASE_URL'] ? 'needs a server of its own' : engines.postgres.skip,
    async start() {
      const engine = await postgresServer();
      const client = new pg.Client({ connectionString: engine.url });
      await client.connect();
      await client.query(`CREATE SCHEMA sojourn; CREATE TABLE sojourn.engine AS SELECT 'x' AS epoch, 99 AS version`);
      await client.end();
      return engine;
    },
    says: /newer release/,
  },
} as const;

for (const [name, { skip, start, says }] of Object.entries(refusing)) {
  test(`G16: a server that refuses its ${name} says why and ends`, { skip }, async (t) => {
    const engine = await start();
    t.after(() => engine.stop());
    const { code, err } = await sojourn(['serve', '--port', '0', '--data', dataFolder(t), '--store', engine.url]);
    assert.equal(code, 1);
    assert.match(err, says);
  });
}

test('an engine that there is not is refused with those that there are', () => {
  for (const address of ['mysql://x', 'redis:', 'sqlite:', 'nonsense']) {
    assert.throws(() => readConfig(['--store', address], {}), /use sqlite:.*redis:.*postgres:/);
  }
});

test('of an address no more is shown than scheme, user, host, port and path (G15)', () => {
  const shown = {
    'redis://user:secret@host:1': 'redis://user@host:1',
    'rediss://:p@ss:secret@host:1/2': 'rediss://host:1/2',
    'postgres://user:sec@ret@[::1]:5432/app?sslmode=require': 'postgres://user@[::1]:5432/app',
    'postgres://host/app?user=u&password=secret': 'postgres://host/app',
    'postgresql://host/app#secret': 'postgresql://host/app',
    'sqlite:./a:b@c': 'sqlite:./a:b@c',
    // What cannot be taken apart, or is more than it seems: a password with a slash.
    'postgres://user:sec/ret@host/app': 'postgres:…',
    'postgres://user:12/secret@host/app': 'postgres:…',
    'redis://user:12#secret@host': 'redis:…',
    'redis:user:secret@host': 'redis:…',
    'user:secret@host': 'user:…',
    secret: '…',
  };
  for (const [address, expected] of Object.entries(shown)) assert.equal(shownAddress(address), expected);
});

test('no message about an address tells its password (G15)', async (t) => {
  const data = dataFolder(t);
  for (const address of [
    'redis://u:hunter2@127.0.0.1:1',
    'redis://u:hun@ter2@127.0.0.1:1',
    'redis://u:9/hunter2@127.0.0.1:1',
    'postgres://127.0.0.1:1/app?user=u&password=hunter2',
    'postgres://u:9/hunter2@127.0.0.1:1/app',
    'postgres://u:hunter2@127.0.0.1:x/app',
    'mysql://u:hunter2@127.0.0.1/app',
  ]) {
    for (const flags of [[], ['--print-config']]) {
      const { out, err } = await sojourn(['serve', '--port', '0', '--data', data, '--store', address, ...flags]);
      assert.doesNotMatch(out + err, /ter2/, address);
    }
  }
});

test('what Kubernetes tells the pods of a Service of our name is no mistake', () => {
  const kubernetes = { SOJOURN_SERVICE_HOST: '10.0.0.1', SOJOURN_PORT_7420_TCP: 'tcp://10.0.0.1:7420' };
  assert.equal(readConfig(['--port', '7420'], kubernetes).port, 7420);
});
