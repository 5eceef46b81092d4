import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Visitor } from '../../../../test/visitor.ts';
import { Lab, type LabOptions, through } from '../lab.ts';
import { type App, frameworks, listen } from './apps.ts';

interface Fixture {
  readonly app: App;
  readonly lab: Lab;
  readonly visitor: Visitor;
}

/** One behaviour that every framework's binding has. */
function everyFramework(title: string, run: (fixture: Fixture) => Promise<void>, options: LabOptions = {}): void {
  for (const [name, build] of Object.entries(frameworks)) {
    test(`${title} [${name}]`, async () => {
      const lab = new Lab(options);
      const app = await listen(build, lab.sessions);
      try {
        await run({ app, lab, visitor: new Visitor(app.origin) });
      } finally {
        await app.close();
        await lab.sessions.close();
      }
    });
  }
}

/** What a script's fetch sends instead of a navigation. */
const script = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

everyFramework('the life of a session', async ({ app, visitor }) => {
  const none = await visitor.get('/');
  assert.equal(none.json['state'], 'none');
  assert.equal(visitor.jar.size, 0);
  assert.equal((await visitor.post('/write')).json['n'], 1);
  assert.equal((await visitor.get('/')).json['state'], 'anonymous');
  const anonymous = visitor.copy();

  const signIn = await visitor.post('/login?return=/orders', { user: 'u1' });
  assert.equal(signIn.status, 303);
  assert.equal(signIn.headers.get('location'), '/orders');
  const [cookie = '', ...more] = signIn.headers.getSetCookie();
  assert.equal(more.length, 0);
  const port = new URL(app.origin).port;
  assert.match(cookie, new RegExp(`^sojourn-${port}=[\\w-]{23}\\.[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`));
  assert.deepEqual((await visitor.get('/orders')).json, { of: 'u1' });
  assert.equal((await anonymous.get('/', { headers: script })).json['state'], 'none');

  const saved = visitor.copy();
  const out = await visitor.post('/logout');
  assert.deepEqual(out.json, { ended: true });
  assert.match(out.headers.getSetCookie()[0] ?? '', /Max-Age=0/);
  assert.equal(out.headers.get('clear-site-data'), '"cache", "storage"');
  assert.equal(visitor.jar.size, 0);
  const replay = await saved.get('/orders', { headers: script });
  assert.equal(replay.status, 401);
  assert.equal(replay.headers.get('content-type')?.split(';')[0], 'application/problem+json');
  assert.equal(replay.json['code'], 'session_terminated');
  assert.equal(replay.json['reason'], 'signed_out');
  assert.equal(replay.headers.getSetCookie().length, 0);
});

everyFramework(
  'who is not signed in is sent to sign in and back; a script gets a problem',
  async ({ visitor, app }) => {
    const page = await visitor.get('/orders?page=2');
    assert.equal(page.status, 303);
    assert.equal(page.headers.get('location'), '/login?return=%2Forders%3Fpage%3D2');
    assert.equal(page.headers.get('cache-control'), 'no-store');
    const post = await visitor.post('/act', { act: 'x' }, { headers: { referer: `${app.origin}/orders?page=2` } });
    assert.equal(post.status, 303);
    assert.equal(post.headers.get('location'), '/login?return=%2Forders%3Fpage%3D2&unsent=1');
    const foreign = await visitor.post('/act', { act: 'x' }, { headers: { referer: 'https://evil.example/orders' } });
    assert.equal(foreign.headers.get('location'), '/login?unsent=1');
    const fetched = await visitor.get('/orders', { headers: script });
    assert.equal(fetched.status, 401);
    assert.equal(fetched.json['code'], 'sign_in_required');
    assert.equal(fetched.json['signIn'], '/login');
    assert.equal(fetched.headers.get('www-authenticate'), 'Bearer');
  },
);

everyFramework('the way back stays on this site, whatever is asked for (R-037)', async ({ visitor }) => {
  const asked = [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'javascript:alert(1)',
    '/%0d%0aset-cookie:x',
    '/.//evil.example',
    '',
    '/ok?x=1',
  ];
  const answers: (string | null)[] = [];
  for (const path of asked) {
    const answer = await visitor.post(`/login?return=${encodeURIComponent(path)}`, { user: 'u1' });
    answers.push(answer.headers.get('location'));
    assert.equal(answer.headers.getSetCookie().length, 1);
  }
  assert.deepEqual(answers, ['/', '/', '/', '/', '/', '/%0d%0aset-cookie:x', '/', '/', '/ok?x=1']);
});

everyFramework('signed in but not allowed is 403, not a way to sign in again', async ({ visitor }) => {
  await visitor.post('/login', { user: 'u1' });
  assert.equal((await visitor.get('/admin')).status, 403);
  const fetched = await visitor.get('/admin', { headers: script });
  assert.equal(fetched.json['code'], 'permission_missing');
});

everyFramework('an old proof is asked for again, with the challenge of RFC 9470', async ({ visitor, lab }) => {
  await visitor.post('/login', { user: 'u1' });
  assert.equal((await visitor.get('/fresh')).status, 200);
  lab.clock.advance('11m');
  const page = await visitor.get('/fresh');
  assert.equal(page.headers.get('location'), '/confirm?return=%2Ffresh');
  const fetched = await visitor.get('/fresh', { headers: script });
  assert.equal(fetched.status, 401);
  assert.equal(
    fetched.headers.get('www-authenticate'),
    'Bearer error="insufficient_user_authentication", max_age="600"',
  );
  const before = visitor.copy();
  await visitor.post('/step-up');
  assert.equal((await visitor.get('/fresh')).status, 200);
  assert.equal((await before.get('/fresh', { headers: script })).json['code'], 'token_replaced');
});

everyFramework('S-58: an expired session says so, to people and programs', async ({ visitor, lab }) => {
  await visitor.post('/login', { user: 'u1' });
  lab.clock.advance('30m');
  const fetched = await visitor.get('/orders', { headers: script });
  assert.equal(fetched.json['code'], 'session_expired_idle');
  const page = await visitor.get('/orders');
  assert.equal(page.headers.get('location'), '/login?return=%2Forders');
  assert.equal(visitor.jar.size, 1);
  assert.equal((await visitor.send('HEAD', '/orders', { headers: script })).status, 401);
});

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
  'G17: S-45: a request held back by its last byte does nothing after the session has ended',
  async ({ app, lab, visitor }) => {
    await visitor.post('/login', { user: 'u1' });
    for (const end of ['sign-out', 'revoked', 'expired'] as const) {
      const held = await hold(app.origin, '/act', visitor.cookie, JSON.stringify({ act: end }));
      await lab.settle();
      if (end === 'sign-out') assert.deepEqual((await visitor.copy().post('/logout')).json, { ended: true });
      if (end === 'revoked') await lab.sessions.terminateAll('u1');
      if (end === 'expired') lab.clock.advance('31m');
      const answer = await held.release();
      assert.match(answer, /^HTTP\/1\.1 401/, end);
      assert.match(answer, /session_(terminated|expired_idle)/);
      lab.clock.advance('1s');
      await visitor.post('/login', { user: 'u1' });
    }
    assert.deepEqual(app.acted, []);
    const held = await hold(app.origin, '/act', visitor.cookie, JSON.stringify({ act: 'alive' }));
    assert.match(await held.release(), /^HTTP\/1\.1 200/);
    assert.deepEqual(app.acted, ['alive']);
  },
);

everyFramework(
  'G3: S-41: a write held back by its last byte does not bring the session back',
  async ({ app, lab, visitor }) => {
    await visitor.post('/login', { user: 'u1' });
    const held = await hold(app.origin, '/write', visitor.cookie, '{}');
    assert.deepEqual((await visitor.copy().post('/logout')).json, { ended: true });
    const answer = await held.release();
    assert.doesNotMatch(answer, /^HTTP\/1\.1 200/);
    assert.equal((await visitor.get('/', { headers: script })).json['state'], 'none');
    assert.deepEqual((await lab.sessions.list('u1')).live, []);
  },
);

everyFramework(
  'G2: S-42: a sign-in or step-up is not undone by a request held back with the old token',
  async ({ app, visitor }) => {
    await visitor.post('/login', { user: 'u1' });
    for (const path of ['/login', '/step-up']) {
      const old = visitor.copy();
      const held = await hold(app.origin, '/write', visitor.cookie, '{}');
      await visitor.post(path, { user: 'u1' });
      assert.doesNotMatch(await held.release(), /^HTTP\/1\.1 200/);
      assert.equal((await old.get('/orders', { headers: script })).json['code'], 'token_replaced');
      assert.equal((await visitor.get('/orders')).status, 200);
      assert.equal(((await visitor.get('/', { headers: script })).json['data'] as { n?: number }).n, undefined);
    }
  },
);

const order: string[] = [];
const writes = new Set(['create', 'update', 'end']);

everyFramework(
  'G5: no answer leaves before the write it tells of is durable',
  async ({ visitor }) => {
    const steps: readonly [string, () => Promise<unknown>][] = [
      ['create', () => visitor.post('/write')],
      ['update', () => visitor.post('/write')],
      ['create', () => visitor.post('/login', { user: 'u1' })],
      ['update', () => visitor.post('/step-up')],
      ['end', () => visitor.post('/logout')],
    ];
    for (const [write, step] of steps) {
      order.length = 0;
      await step();
      order.push('answered');
      assert.deepEqual(order, [write, 'answered']);
    }
  },
  {
    around: (store) =>
      through(store, async (name, run) => {
        const result = await run();
        if (!writes.has(name)) return result;
        // As slow as a disk: any answer that did not wait would be there before.
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        order.push(name);
        return result;
      }),
  },
);

everyFramework(
  'an answer that depends on the session is not kept by caches; one that does not is left alone',
  async ({ visitor }) => {
    assert.equal((await visitor.get('/')).headers.get('cache-control'), 'no-store');
    assert.equal((await visitor.get('/orders')).headers.get('cache-control'), 'no-store');
    assert.equal((await visitor.get('/untouched')).headers.get('cache-control'), null);
  },
);

everyFramework(
  'a write that nobody awaited, and a sign-in after the answer, are said',
  async ({ app, lab, visitor }) => {
    await visitor.post('/login', { user: 'u1' });
    await visitor.post('/careless');
    await lab.settle();
    assert.ok(lab.log.some(({ code }) => code === 'write_not_awaited'));
    assert.ok((await lab.events()).some(({ type, code }) => type === 'noticed' && code === 'write_not_awaited'));
    await visitor.post('/late');
    while (app.acted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(app.acted, ['response_started']);
  },
);

everyFramework(
  'a cookie that was overwritten, and a cacheable answer that sets one, are said',
  async ({ app, lab, visitor }) => {
    await visitor.get('/overwrite');
    const codes = (): (string | undefined)[] => lab.log.map(({ code }) => code);
    while (!codes().includes('token_cacheable')) await new Promise((resolve) => setImmediate(resolve));
    // Hono and Fetch put the headers on last, so there the cookie cannot be overwritten.
    const last = visitor.jar.has(`sojourn-${new URL(app.origin).port}`);
    assert.equal(codes().includes('cookie_overwritten'), !last);
  },
);

let broken = false;
const breakable: LabOptions = {
  around: (store) =>
    through(store, (_name, run) => {
      if (broken) throw new Error('ECONNREFUSED');
      return run();
    }),
};

everyFramework(
  'G8: a store that errs is 503 with Retry-After, never a page, a visitor or a cleared cookie',
  async ({ visitor }) => {
    await visitor.post('/login', { user: 'u1' });
    broken = true;
    try {
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/orders'],
        ['POST', '/write'],
        ['POST', '/logout'],
      ] as const) {
        const answer = await visitor.send(method, path, {
          headers: script,
          ...(method === 'POST' ? { form: {} } : {}),
        });
        assert.equal(answer.status, 503, `${method} ${path}`);
        assert.equal(answer.headers.get('retry-after'), '5');
        assert.equal(answer.json['code'], 'store_unavailable');
        assert.equal(answer.headers.getSetCookie().length, 0);
      }
      const calm = await visitor.get('/calm', { headers: script });
      assert.equal(calm.status, 200);
      assert.equal(calm.json['state'], 'none');
      assert.equal(calm.headers.getSetCookie().length, 0);
      // Who brought no token needs no store.
      assert.equal((await new Visitor(visitor.origin).get('/')).status, 200);
    } finally {
      broken = false;
    }
    assert.equal((await visitor.get('/orders')).status, 200);
  },
  breakable,
);

everyFramework('a host that is not loopback is refused until an origin says who we are', async ({ visitor, lab }) => {
  const answer = await visitor.get('/', { headers: { ...script, host: 'shop.example' } });
  assert.equal(answer.status, 500);
  assert.equal(answer.json['code'], 'origin_missing');
  assert.doesNotMatch(answer.text, /shop/);
  assert.ok(
    lab.log.some(({ code, message }) => code === 'origin_missing' && message.includes('createSessions({ origin')),
  );
});

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

everyFramework(
  'a new secret is set once due, on pages and fetches, not on images or upgrades',
  async ({ visitor, lab }) => {
    await visitor.post('/login', { user: 'u1' });
    const { id } = (await visitor.get('/')).json;
    for (const advance of ['29m', '29m', '3m'] as const) {
      lab.clock.advance(advance);
      await visitor.get('/', { headers: { ...script, 'sec-fetch-dest': 'image' } });
      await lab.settle();
    }
    const before = visitor.cookie;
    for (const headers of [
      { 'sec-fetch-dest': 'image' },
      { 'sec-fetch-dest': 'script' },
      { 'sec-fetch-dest': 'iframe' },
    ]) {
      assert.equal((await visitor.get('/', { headers })).headers.getSetCookie().length, 0);
    }
    const page = await visitor.get('/');
    assert.equal(page.headers.getSetCookie().length, 1);
    assert.notEqual(visitor.cookie, before);
    const next = await visitor.get('/');
    assert.equal(next.json['id'], id);
    assert.equal(next.headers.getSetCookie().length, 0);
  },
);

everyFramework('an eager route begins a visitor’s session on navigations, and only there', async ({ visitor, app }) => {
  assert.equal((await visitor.get('/eager', { headers: script })).json['state'], 'none');
  assert.equal((await visitor.get('/eager')).json['state'], 'anonymous');
  assert.equal((await visitor.get('/')).json['state'], 'anonymous');
  await visitor.post('/login', { user: 'u1' });
  const saved = visitor.copy();
  await visitor.post('/logout');
  // A refused token may have been replaced in the jar already.
  assert.equal((await saved.get('/eager')).headers.getSetCookie().length, 0);
  assert.equal(new Visitor(app.origin).jar.size, 0);
});

everyFramework(
  'S-03 S-66: a bearer token is accepted only where it is asked for, and never beside another',
  async ({ visitor, app }) => {
    await visitor.post('/login', { user: 'u1' });
    const token = visitor.cookie.split('=')[1] ?? '';
    const program = new Visitor(app.origin);
    const bearer = { ...script, 'sec-fetch-site': '', authorization: `Bearer ${token}` };
    assert.deepEqual((await program.get('/orders', { headers: bearer })).json, { of: 'u1' });
    assert.equal((await program.post('/write', {}, { headers: bearer })).status, 200);
    assert.equal(program.jar.size, 0);
    const both = await visitor.get('/orders', {
      headers: { ...bearer, authorization: `Bearer ${token.slice(0, -1)}A` },
    });
    assert.equal(both.status, 400);
    assert.equal(both.json['code'], 'credentials_conflict');
    for (const path of [`/orders?sid=${token}`, `/orders;jsessionid=${token}`]) {
      assert.notEqual((await program.get(path, { headers: script })).status, 200);
    }
    for (const name of ['x-session-id', 'x-auth-token']) {
      assert.equal((await program.get('/orders', { headers: { ...script, [name]: token } })).status, 401);
    }
    assert.equal(
      (await program.get('/orders', { headers: { ...script, authorization: `Basic ${token}` } })).status,
      401,
    );
  },
  { bearer: true },
);

everyFramework('a bearer token is nothing where it was not asked for', async ({ visitor, app }) => {
  await visitor.post('/login', { user: 'u1' });
  const token = visitor.cookie.split('=')[1] ?? '';
  const program = new Visitor(app.origin);
  const answer = await program.get('/orders', { headers: { ...script, authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 401);
});

everyFramework(
  'S-04 S-29: of two cookies the good one counts, the jar is repaired, and two good ones are refused',
  async ({ app, visitor }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const good = visitor.jar.get(name) ?? '';
    const other = new Visitor(app.origin);
    await other.post('/login', { user: 'u2' });
    const theirs = other.jar.get(name) ?? '';
    const junk = `${'A'.repeat(23)}.${'b'.repeat(43)}`;
    const ask = (cookie: string): ReturnType<Visitor['get']> =>
      new Visitor(app.origin).get('/orders', { headers: { ...script, cookie } });
    for (const cookie of [
      `${name}=${junk}; ${name}=${good}`,
      `${name}=${good}; ${name}=${junk}`,
      `${name}=; ${name}=${good}`,
    ]) {
      const answer = await ask(cookie);
      assert.deepEqual(answer.json, { of: 'u1' }, cookie);
      const set = answer.headers.getSetCookie();
      assert.equal(set.at(-1)?.split(';')[0], `${name}=${good}`);
      assert.ok(set.some((line) => /Path=\/orders;.*Max-Age=0/.test(line)));
      assert.ok(set.slice(0, -1).every((line) => /Max-Age=0/.test(line)));
    }
    for (const cookie of [`${name}=${good}; ${name}=${theirs}`, `${name}=${theirs}; ${name}=${good}`]) {
      const answer = await ask(cookie);
      assert.equal(answer.status, 400);
      assert.equal(answer.json['code'], 'credentials_conflict');
    }
    assert.deepEqual((await ask(`${name}=${good}; ${name}=${good}`)).json, { of: 'u1' });
    assert.equal((await ask(`${name}=${junk}; ${name}=x`)).status, 401);
    assert.equal((await visitor.get('/orders')).status, 200);
  },
);

everyFramework('S-32: a jar full of other cookies changes nothing', async ({ app, visitor }) => {
  await visitor.post('/login', { user: 'u1' });
  const padding = Array.from({ length: 60 }, (_, i) => `pad${i}=${'x'.repeat(120)}`).join('; ');
  const answer = await new Visitor(app.origin).get('/orders', {
    headers: { ...script, cookie: `${padding}; ${visitor.cookie}` },
  });
  assert.deepEqual(answer.json, { of: 'u1' });
});

interface Held {
  /** Sends the last byte and answers what came back. */
  release(): Promise<string>;
}

/** A POST that has sent all of its body but the last byte, and has been looked at by the server. */
async function hold(origin: string, path: string, cookie: string, body: string): Promise<Held> {
  const { port, host } = new URL(origin);
  const socket = connect(Number(port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  const closed = new Promise<void>((resolve, reject) => socket.on('close', () => resolve()).on('error', reject));
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: ${origin}`,
    `Cookie: ${cookie}`,
    'Accept: application/json',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    '',
  ].join('\r\n');
  socket.write(head + body.slice(0, -1));
  // Another request on its own connection, sent later and answered: the server has seen this one too.
  await new Visitor(origin).get('/untouched');
  return {
    release: async () => {
      socket.write(body.slice(-1));
      await closed;
      return answer;
    },
  };
}
