import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visitor } from '../../../test/visitor.ts';
import { skipWithout } from '../../sojourn/test/stores/process.ts';
import { redisTlsServer } from '../../sojourn/test/stores/redis-tls.ts';
import { dataFolder, ServerProcess, sojourn } from '../test/process.ts';

const skip = process.env['REDIS_URL'] ? 'needs a certificate of its own' : skipWithout('redis-server', 'openssl');

test('G16: the server speaks TLS to Redis and starts only if it trusts the certificate', { skip }, async (t) => {
  const redis = await redisTlsServer();
  t.after(() => redis.stop());
  const data = dataFolder(t);
  const env = { SOJOURN_STORE: redis.url, SOJOURN_ADMIN_PASSWORD: 'correct horse battery' };
  const refused = await sojourn(['serve', '--port', '0', '--data', data], { env });
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /cannot keep sessions in rediss:.*certificate/);

  const server = await ServerProcess.start(t, data, { ...env, NODE_EXTRA_CA_CERTS: redis.authority.path });
  const visitor = new Visitor(server.origin);
  const signedIn = await visitor.post('/login', { username: 'admin', password: 'correct horse battery' });
  assert.equal(signedIn.status, 303);
  assert.equal((await visitor.get('/session')).status, 200);
  const copy = visitor.copy();
  assert.equal((await visitor.post('/logout')).status, 303);
  const after = await copy.get('/session', { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } });
  assert.deepEqual([after.status, after.json['code']], [401, 'session_terminated']);
  server.signal('SIGTERM');
  assert.equal(await server.ended(), 0);
});
