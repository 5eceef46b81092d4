import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Visitor } from '../../../test/visitor.ts';
import { readConfig } from './config.ts';
import { createServer, type Server } from './server.ts';

const password = 'correct horse battery';
let folder: string;
let server: Server;
let origin: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  server = await createServer(readConfig(['--data', join(folder, 'data'), '--port', '0'], {}));
  await server.context.users.add('admin', password, ['admin', 'demo:read']);
  origin = await server.app.listen({ port: 0, host: 'localhost' });
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test('the life of a session: visit, sign in, be recognised, sign out, and the saved cookie is refused with the reason', async () => {
  const visitor = new Visitor(origin);
  const visit = await visitor.get('/');
  assert.match(visit.text, /anonymous/);
  const visitors = visitor.cookie;

  const sent = await visitor.get('/account');
  assert.equal(sent.status, 303);
  assert.equal(sent.headers.get('location'), '/login?return=%2Faccount');

  const signedIn = await visitor.post('/login?return=%2Faccount', { username: 'admin', password });
  assert.equal(signedIn.status, 303);
  assert.equal(signedIn.headers.get('location'), '/account');
  assert.notEqual(visitor.cookie, visitors);

  const session = await visitor.get('/session');
  assert.equal(session.status, 200);
  assert.deepEqual(session.json['permissions'], ['admin', 'demo:read']);

  const saved = visitor.copy();
  const out = await visitor.post('/logout');
  assert.equal(out.headers.get('location'), '/');
  assert.equal(out.headers.get('clear-site-data'), '"cache", "storage"');

  const replay = await saved.get('/session', { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } });
  assert.equal(replay.status, 401);
  assert.equal(replay.json['code'], 'session_terminated');
  assert.equal(replay.json['reason'], 'signed_out');
});

test('an anonymous session is not a signed-in one', async () => {
  const visitor = new Visitor(origin);
  await visitor.get('/');
  assert.equal(visitor.jar.size, 1);
  const answer = await visitor.get('/session', { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } });
  assert.equal(answer.status, 401);
  assert.equal(answer.json['code'], 'sign_in_required');
});
