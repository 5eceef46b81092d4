import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { postgresServer } from '../../packages/sojourn/test/stores/postgres-server.ts';
import { skipWithout } from '../../packages/sojourn/test/stores/process.ts';
import { redisServer } from '../../packages/sojourn/test/stores/redis-server.ts';
import { redisTlsServer } from '../../packages/sojourn/test/stores/redis-tls.ts';
import { sessionsOn } from './engines.ts';

/* packages/sojourn/test/stores proves the engines; this is about the connection around each. */

test('sessions on the engine of an address', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const { sessions, close } = await sessionsOn(join(folder, 'sessions.db'));
  assert.deepEqual(await sessions.list('ada'), { live: [], ended: [] });
  await close();
  rmSync(folder, { recursive: true });
});

test('an engine that does not answer is said when it is opened', async () => {
  for (const scheme of ['postgres', 'postgresql']) {
    await assert.rejects(sessionsOn(`${scheme}://127.0.0.1:1/none`), { code: 'store_unavailable' });
  }
});

const engines = {
  redis: [process.env['REDIS_URL'], ['redis-server'], redisServer],
  postgres: [process.env['DATABASE_URL'], ['initdb', 'postgres'], postgresServer],
} as const;

for (const [name, [given, binaries, start]] of Object.entries(engines)) {
  const skip = given ? 'this test stops its server' : skipWithout(...binaries);

  test(`a restart of the engine does not end the process, and everything can be closed [${name}]`, {
    skip,
  }, async (t) => {
    const warned = t.mock.method(console, 'warn', () => {});
    const server = await start();
    t.after(() => server.stop());
    const { sessions, close } = await sessionsOn(server.url);
    assert.deepEqual((await sessions.list('ada')).live, []);
    await server.restart('SIGINT');
    while ((await sessions.list('ada').catch(() => null)) === null);
    assert.ok(warned.mock.callCount() > 0);
    await close();
    await assert.rejects(async () => sessions.list('ada'), { code: 'store_unavailable' });
  });
}

const opensAndCloses = `
  const { sessionsOn } = await import(process.argv[1]);
  const { sessions, close } = await sessionsOn(process.argv[2]);
  await sessions.list('ada');
  await close();`;

test('rediss: is Redis over TLS, and a process whose sessions and client are closed ends by itself', {
  skip: process.env['REDIS_URL'] ? 'needs a certificate of its own' : skipWithout('redis-server', 'openssl'),
}, async (t) => {
  const server = await redisTlsServer();
  t.after(() => server.stop());
  const node = ['--conditions=sojourn-source', '--input-type=module', '--eval', opensAndCloses];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.authority.path };
  const file = join(import.meta.dirname, 'engines.ts');
  const cwd = mkdtempSync(join(tmpdir(), 'sojourn-'));
  await promisify(execFile)(process.execPath, [...node, file, server.url], { env, cwd, timeout: 20_000 });
  // Not the path of a file.
  assert.deepEqual(readdirSync(cwd), []);
  rmSync(cwd, { recursive: true });
});
