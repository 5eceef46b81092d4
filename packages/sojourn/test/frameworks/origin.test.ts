import assert from 'node:assert/strict';
import { Visitor } from '../../../../test/visitor.ts';
import { everyFramework, script } from './every-framework.ts';

everyFramework(
  'S-27: only same-origin evidence lets an unsafe request with a cookie through',
  async ({ visitor, app }) => {
    await visitor.post('/login', { user: 'u1' });
    const own = app.origin;
    const port = new URL(own).port;
    const cells: readonly [Record<string, string>, number][] = [
      [{ 'sec-fetch-site': 'same-origin' }, 200],
      [{ 'sec-fetch-site': 'none' }, 200],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'cross-site', origin: own }, 403],
      [{ 'sec-fetch-site': 'nonsense', origin: own }, 200],
      [{ 'sec-fetch-site': 'nonsense', origin: 'https://evil.example' }, 403],
      [{ 'sec-fetch-site': 'nonsense' }, 403],
      [{ origin: own }, 200],
      [{ origin: 'null' }, 403],
      [{ origin: own.replace('http:', 'https:') }, 403],
      [{ origin: `http://localhost:${Number(port) + 1}` }, 403],
      [{ origin: `http://localhost:${port}.evil.example` }, 403],
      [{ origin: `http://evil-localhost:${port}` }, 403],
      [{}, 403],
    ];
    for (const [headers, status] of cells) {
      for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
        const answer = await visitor.send('POST', '/write', {
          headers: { ...script, 'sec-fetch-site': '', ...headers, 'content-type': type },
          ...(type.endsWith('json') ? { json: {} } : { form: { a: 'b' } }),
        });
        assert.equal(answer.status, status, JSON.stringify(headers));
        if (status === 403) assert.equal(answer.json['code'], 'cross_site');
      }
    }
  },
);

everyFramework(
  'S-08 S-60: sign-in and sign-out need evidence even without a cookie or by GET',
  async ({ app, lab, visitor }) => {
    const bare = { ...script, 'sec-fetch-site': '' };
    const stranger = new Visitor(app.origin);
    const blind = await stranger.post('/login', { user: 'u1' }, { headers: bare });
    assert.equal(blind.status, 403);
    assert.match(String(blind.json['detail']), /Origin/);
    const foreign = await stranger.post(
      '/login',
      { user: 'u1' },
      { headers: { ...bare, origin: 'https://evil.example' } },
    );
    assert.equal(foreign.status, 403);
    const linked = await stranger.get('/login-by-link', { headers: { ...script, 'sec-fetch-site': 'cross-site' } });
    assert.equal(linked.status, 403);
    assert.equal(stranger.jar.size, 0);
    assert.deepEqual((await lab.sessions.list('u1')).live, []);
    await visitor.post('/login', { user: 'u1' });
    const out = await visitor.post('/logout', {}, { headers: { ...bare, 'sec-fetch-site': 'cross-site' } });
    assert.equal(out.status, 403);
    assert.equal((await visitor.get('/orders')).status, 200);
    // A program that brings no credentials and asks for no session has nothing to forge.
    assert.equal((await stranger.post('/write', {}, { headers: bare })).status, 200);
  },
);

everyFramework(
  'G16: a host that is not loopback is refused until an origin says who we are',
  async ({ visitor, lab }) => {
    const answer = await visitor.get('/', { headers: { ...script, host: 'shop.example' } });
    assert.equal(answer.status, 500);
    assert.equal(answer.json['code'], 'origin_missing');
    assert.doesNotMatch(answer.text, /shop/);
    assert.ok(
      lab.log.some(({ code, message }) => code === 'origin_missing' && message.includes('createSessions({ origin')),
    );
  },
);

everyFramework(
  'G16: however a loopback host is spelled, its cookie is told of once, and a host that is none is refused',
  async ({ visitor, lab }) => {
    const status = async (host: string): Promise<number> =>
      (await visitor.get('/', { headers: { ...script, host } })).status;
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:81', 'a.localhost:82', 'b.localhost', '[::1]:83']) {
      assert.equal(await status(host), 200, host);
    }
    assert.equal(lab.log.filter(({ code }) => code === 'relaxed_cookie').length, 1);
    for (const host of ['x@localhost', 'localhost/x', 'localhost?x', 'localhost:', 'localhost:8x', 'local host']) {
      assert.notEqual(await status(host), 200, host);
    }
  },
);

everyFramework(
  'behind https the cookie is __Host-, Secure, and the origin decides, not the request',
  async ({ visitor }) => {
    const headers = { ...script, 'sec-fetch-site': '', origin: 'https://shop.example' };
    const answer = await visitor.post('/login', { user: 'u1' }, { headers });
    const [cookie = ''] = answer.headers.getSetCookie();
    assert.match(cookie, /^__Host-sojourn=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const wrong = await visitor.post('/write', {}, { headers: { ...headers, origin: 'http://shop.example' } });
    assert.equal(wrong.status, 403);
  },
  { origin: 'https://shop.example' },
);

everyFramework('S-56: a WebSocket that another site opens is refused', async ({ visitor }) => {
  await visitor.post('/login', { user: 'u1' });
  const open = (headers: Record<string, string>): Promise<{ status: number }> =>
    visitor.get('/orders', {
      headers: { ...script, 'sec-fetch-mode': 'websocket', upgrade: 'websocket', connection: 'close', ...headers },
    });
  assert.equal((await open({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })).status, 403);
  assert.equal((await open({ 'sec-fetch-site': '', origin: 'https://evil.example' })).status, 403);
  assert.notEqual((await open({ 'sec-fetch-site': 'same-origin' })).status, 403);
});
