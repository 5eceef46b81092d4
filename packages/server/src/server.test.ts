import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sqlite } from 'sojourn/sqlite';
import { Visitor } from '../../../test/visitor.ts';
import { Hand } from '../test/hand.ts';
import { openSite } from '../test/site.ts';
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
  assert.match(out.headers.get('location') ?? '', /^\/ended\?/);
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

test('G10: who is disabled is not served, even where nobody could end their sessions, and is told why', async () => {
  const site = await openSite();
  try {
    const { users, sessions } = site.server.context;
    const [ada, phone, ben] = [await site.signedIn(), await site.signedIn(), await site.signedIn('ben')];
    const id = String((await ada.json('/session')).json['id']);
    const account = users.byName('ada')?.id ?? '';
    users.setDisabled(account, true);
    const refused = await ada.json('/session');
    assert.deepEqual([refused.status, refused.json['reason']], [401, 'account_disabled']);
    assert.deepEqual((await sessions.find(id))?.ending?.reason, 'account_disabled');
    assert.equal((await sessions.find(id))?.ending?.by, 'operator');
    const sent = await phone.get('/account');
    assert.deepEqual([sent.status, sent.headers.get('location')], [303, '/login?return=%2Faccount']);
    assert.match((await phone.get('/login')).text, /account was disabled/);
    assert.equal((await phone.post('/login', { username: 'ada', password })).status, 401);
    assert.equal((await ben.json('/session')).status, 200);
    users.setDisabled(account, false);
    assert.equal((await ada.json('/session')).status, 401, 'what has ended stays so');
    assert.equal((await (await site.signedIn()).json('/session')).status, 200);
  } finally {
    await site.close();
  }
});

test('G4: two requests that change one session at once both keep their change', async () => {
  const site = await openSite();
  try {
    const ben = await site.signedIn('ben');
    const before = ben.token;
    await Promise.all([ben.post('/life/rotate'), ben.copy().post('/life/permissions')]);
    assert.notEqual(ben.token, before);
    const { status, json } = await ben.json('/session');
    assert.deepEqual([status, json['permissions']], [200, ['demo:read', 'demo:write']]);
  } finally {
    await site.close();
  }
});

test('G9: sign-ins that come at once together leave no more sessions of a user than the policy allows', async () => {
  const site = await openSite();
  try {
    const { users, sessions } = site.server.context;
    const account = users.byName('ada')?.id ?? '';
    const { limit } = sessions.policy;
    for (let i = 0; i < limit - 2; i++) {
      const visitor = await sessions.track(null, { carrier: new Hand() });
      await visitor.signIn(account, { permissions: [], factor: 'password' });
    }
    await Promise.all(Array.from({ length: 4 }, () => site.signedIn()));
    assert.equal((await sessions.list(account)).live.length, limit);
  } finally {
    await site.close();
  }
});

test('on every answer: no inline script, no framing, no sniffing; nothing of a session is kept in a cache', async () => {
  const site = await openSite();
  try {
    const visitor = await site.signedIn();
    for (const path of [
      '/',
      '/login',
      '/account',
      '/session',
      '/nowhere',
      '/assets/life.js',
      '/session/events?after=x',
    ]) {
      if (path.startsWith('/session/events')) {
        const stream = await visitor.stream({}, path);
        assert.equal(stream.headers['cache-control'], 'no-store', path);
        stream.leave();
        continue;
      }
      const { headers } = await visitor.get(path);
      const csp = headers.get('content-security-policy') ?? '';
      assert.match(csp, /^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'/, path);
      assert.doesNotMatch(csp, /unsafe|nonce|\*/, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
      assert.equal(headers.get('strict-transport-security'), null, 'not without https');
      if (!path.startsWith('/assets/')) assert.equal(headers.get('cache-control'), 'no-store', path);
    }
  } finally {
    await site.close();
  }
});

test('what waited to be written is there after the server has stopped', async () => {
  const site = await openSite();
  const visitor = await site.signedIn();
  const id = String((await visitor.json('/session')).json['id']);
  site.clock.advance('61s');
  await visitor.json('/session');
  const seen = site.clock.now();
  const { config } = site.server.context;
  const other = sqlite(config.store.slice('sqlite:'.length), { now: site.clock.now });
  assert.notEqual((await other.find(id))?.lastSeenAt, seen, 'it waits');
  await site.server.close();
  assert.equal((await other.find(id))?.lastSeenAt, seen);
  await other.close();
  await site.close();
});

test('a request that never ends is cut off ten seconds after the server was told to stop', async () => {
  const site = await openSite();
  const { port, host } = new URL(site.origin);
  const socket = connect(Number(port), 'localhost');
  await once(socket, 'connect');
  const head = ['POST /login HTTP/1.1', `Host: ${host}`, 'Content-Length: 10', 'Expect: 100-continue'];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  const cut = once(socket, 'close');
  const closed = site.close();
  await once(site.server.app.server, 'close', { signal: AbortSignal.timeout(50) }).catch(() => {});
  site.clock.advance('10s');
  await Promise.all([closed, cut]);
});

test('on the second address of localhost too, what is under way is finished before the stores close', async (t) => {
  const { lookup } = dns;
  t.mock.method(dns, 'lookup', (host: string, options: dns.LookupOptions, found: (...args: unknown[]) => void) => {
    if (host !== 'localhost') return lookup(host, options, found);
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    return options.all ? found(null, addresses) : found(null, '127.0.0.1', 4);
  });
  const site = await openSite();
  const { port, host } = new URL(site.origin);
  const [silent, begun] = [connect(Number(port), '127.0.0.2'), connect(Number(port), '127.0.0.2')];
  await Promise.all([once(silent, 'connect'), once(begun, 'connect')]);
  begun.write(`POST /login HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Site: same-origin\r\n`);
  begun.write('Content-Type: application/x-www-form-urlencoded\r\n');
  const body = new URLSearchParams({ username: 'ada', password }).toString();
  begun.write(`Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
  await once(begun, 'data');
  const closed = site.close();
  await once(silent, 'close');
  const answer = once(begun, 'data');
  begun.write(body);
  assert.match(String(await answer), /^HTTP\/1\.1 303 /);
  await closed;
});

test('connections without a request do not hold up the end; a request that has begun is finished', async () => {
  const site = await openSite();
  const visitor = await site.signedIn();
  const { port, host } = new URL(site.origin);
  const [silent, done, begun] = await Promise.all(
    [1, 2, 3].map(async () => {
      const socket = connect(Number(port), 'localhost').setEncoding('utf8');
      await once(socket, 'connect');
      return socket;
    }),
  );
  assert.ok(silent && done && begun);
  done.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(done, 'data');
  const head = ['POST /logout HTTP/1.1', `Host: ${host}`, 'Sec-Fetch-Site: same-origin', `Cookie: ${visitor.cookie}`];
  const form = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 3', 'Expect: 100-continue'];
  begun.write(`${[...head, ...form].join('\r\n')}\r\n\r\n`);
  await once(begun, 'data');
  const closed = site.close();
  // The clock stands still: nobody is cut off for being late.
  await Promise.all([once(silent, 'close'), once(done.resume(), 'close')]);
  const answer = once(begun, 'data');
  begun.write('a=b');
  assert.match(String(await answer), /^HTTP\/1\.1 303 /);
  await closed;
});
