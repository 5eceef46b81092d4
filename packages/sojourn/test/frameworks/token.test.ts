import assert from 'node:assert/strict';
import { Visitor } from '../../../../test/visitor.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { through } from '../lab.ts';
import { everyFramework, raw, script } from './every-framework.ts';

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

everyFramework(
  'G10: what is given to a session holds at once for a bearer, who can be handed no new token',
  async ({ visitor, app, lab }) => {
    await visitor.post('/login', { user: 'u1' });
    const bearer = { ...script, 'sec-fetch-site': '', authorization: `Bearer ${visitor.cookie.split('=')[1]}` };
    const program = new Visitor(app.origin);
    const status = async (): Promise<number> => (await program.get('/admin', { headers: bearer })).status;
    assert.equal(await status(), 403);
    await lab.sessions.setPermissions('u1', ['read', 'admin']);
    assert.equal(await status(), 200);
    await lab.sessions.setPermissions('u1', ['read']);
    assert.equal(await status(), 403);
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

everyFramework(
  'G13: S-04: of two secrets of one session the newer stays in the jar, whichever comes first',
  async ({ app, visitor, lab }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const old = visitor.jar.get(name) ?? '';
    for (const advance of ['29m', '29m', '3m'] as const) {
      lab.clock.advance(advance);
      await visitor.get('/');
      await lab.settle();
    }
    await visitor.get('/');
    const newest = visitor.jar.get(name) ?? '';
    assert.notEqual(newest, old);
    for (const cookie of [`${name}=${newest}; ${name}=${old}`, `${name}=${old}; ${name}=${newest}`]) {
      const answer = await new Visitor(app.origin).get('/orders', { headers: { ...script, cookie } });
      assert.deepEqual(answer.json, { of: 'u1' });
      assert.equal(answer.headers.getSetCookie().at(-1)?.split(';')[0], `${name}=${newest}`);
    }
  },
);

everyFramework(
  'G13: S-04: a former secret past its grace ends nothing beside the present one, and its session alone',
  async ({ app, visitor, lab }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const old = visitor.jar.get(name) ?? '';
    for (const advance of ['29m', '29m', '3m', '1m'] as const) {
      lab.clock.advance(advance);
      await visitor.get('/');
      await lab.settle();
    }
    const newest = visitor.jar.get(name) ?? '';
    lab.clock.advance('2m');
    const ask = (cookie: string): ReturnType<Visitor['get']> =>
      new Visitor(app.origin).get('/orders', { headers: { ...script, cookie } });
    for (const cookie of [`${name}=${newest}; ${name}=${old}`, `${name}=${old}; ${name}=${newest}`]) {
      const answer = await ask(cookie);
      assert.deepEqual(answer.json, { of: 'u1' });
      assert.equal(answer.headers.getSetCookie().at(-1)?.split(';')[0], `${name}=${newest}`);
    }
    assert.equal((await ask(`${name}=${old}; ${name}=x`)).json['code'], 'rotation_lost');
    assert.equal((await visitor.get('/orders', { headers: script })).status, 401);
  },
);

everyFramework(
  'G13: S-04: a former secret past its grace is found out whatever cookies come before or after it',
  async ({ app, visitor, lab }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    const junk = `${'A'.repeat(23)}.${'b'.repeat(43)}`;
    const other = new Visitor(app.origin);
    for (const beside of ['junk', 'a session of another']) {
      for (const first of [true, false]) {
        await visitor.post('/login', { user: 'u1' });
        await other.post('/login', { user: 'u2' });
        const old = visitor.jar.get(name) ?? '';
        for (const advance of ['29m', '29m', '3m', '1m'] as const) {
          lab.clock.advance(advance);
          await visitor.get('/');
          await other.get('/');
          await lab.settle();
        }
        lab.clock.advance('2m');
        const stray = beside === 'junk' ? junk : (other.jar.get(name) ?? '');
        const values = first ? [old, stray] : [stray, old];
        await new Visitor(app.origin).get('/orders', {
          headers: { ...script, cookie: values.map((value) => `${name}=${value}`).join('; ') },
        });
        const after = await visitor.get('/orders', { headers: script });
        assert.deepEqual([after.status, after.json['code']], [401, 'rotation_lost'], `${beside}, ${first}`);
        assert.deepEqual((await other.get('/orders', { headers: script })).json, { of: 'u2' });
      }
    }
  },
);

everyFramework(
  'S-29: junk in front of the good cookie does not hide it, and junk alone is removed where others set it',
  async ({ app, visitor }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const junk = Array.from({ length: 8 }, (_, i) => `${name}=${`${i}`.repeat(23)}.${'b'.repeat(43)}`).join('; ');
    const good = await new Visitor(app.origin).get('/orders', {
      headers: { ...script, cookie: `${junk}; ${visitor.cookie}` },
    });
    assert.deepEqual(good.json, { of: 'u1' });
    const alone = await new Visitor(app.origin).get('/orders', { headers: { ...script, cookie: junk } });
    assert.equal(alone.status, 401);
    const set = alone.headers.getSetCookie();
    assert.ok(set.length > 0 && set.every((line) => /Max-Age=0/.test(line) && /Path=\/orders|Domain=/.test(line)));
  },
);

everyFramework(
  'S-04: where the good one of several cookies is due for a new secret, the answer carries that one',
  async ({ app, visitor, lab }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const old = visitor.jar.get(name) ?? '';
    for (const advance of ['29m', '29m', '3m'] as const) {
      lab.clock.advance(advance);
      await visitor.get('/', { headers: { ...script, 'sec-fetch-dest': 'image' } });
      await lab.settle();
    }
    const junk = `${'A'.repeat(23)}.${'b'.repeat(43)}`;
    const browser = new Visitor(app.origin);
    const answer = await browser.get('/orders', { headers: { cookie: `${name}=${junk}; ${name}=${old}` } });
    assert.deepEqual(answer.json, { of: 'u1' });
    const set = answer.headers.getSetCookie().filter((line) => !/Max-Age=0/.test(line));
    assert.equal(set.length, 1);
    const next = browser.jar.get(name) ?? '';
    assert.match(next, /^.{67}$/);
    assert.notEqual(next, old);
    lab.clock.advance('2m');
    const later = await browser.get('/orders', { headers: script });
    assert.deepEqual([later.json, later.headers.getSetCookie()], [{ of: 'u1' }, []]);
  },
);

let finds = 0;
let beforeThird = async (_store: Store): Promise<unknown> => null;

everyFramework(
  'S-29: the good one of several cookies may end while they are looked at: then its bearer is a visitor',
  async ({ app, visitor }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const value = visitor.jar.get(name) ?? '';
    finds = 0;
    beforeThird = (store) => {
      const [id = ''] = value.split('.');
      return store.end(id, { reason: 'administrator', by: 'root', operation: 'elsewhere' });
    };
    const junk = `${'A'.repeat(23)}.${'b'.repeat(43)}`;
    const cookie = `${name}=${junk}; ${name}=${value}`;
    const answer = await new Visitor(app.origin).get('/', { headers: { ...script, cookie } });
    assert.equal(answer.status, 200);
    assert.equal((await visitor.get('/orders', { headers: script })).json['code'], 'session_terminated');
  },
  {
    around: (store) =>
      through(store, (call, run) => {
        finds += call === 'find' ? 1 : 0;
        if (call !== 'find' || finds !== 3) return run();
        const act = beforeThird;
        beforeThird = async () => null;
        return act(store).then(run);
      }),
  },
);

everyFramework(
  'S-29: a jar with forty cookies of our name costs sixteen look-ups, and one of what is used',
  async ({ app, visitor }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    await visitor.post('/login', { user: 'u1' });
    const jar = Array.from({ length: 40 }, (_, i) => `${name}=${`${i}`.padStart(23, 'A')}.${'b'.repeat(43)}`);
    const ask = async (cookies: readonly string[]): Promise<number> => {
      finds = 0;
      return (await new Visitor(app.origin).get('/orders', { headers: { ...script, cookie: cookies.join('; ') } }))
        .status;
    };
    assert.deepEqual([await ask(jar), finds], [401, 16]);
    assert.deepEqual([await ask([visitor.cookie, ...jar]), finds], [200, 16 + 1]);
  },
  {
    around: (store) =>
      through(store, (call, run) => {
        if (call === 'find') finds += 1;
        return run();
      }),
  },
);

everyFramework('whatever stands in the request line, the server answers and goes on', async ({ app, visitor }) => {
  const name = `sojourn-${new URL(app.origin).port}`;
  for (const target of ['//', '//x:99999/', 'http://a:99999/', '/%', '/\\evil']) {
    const answer = await raw(app.origin, [
      `GET ${target} HTTP/1.1`,
      `Host: ${new URL(app.origin).host}`,
      `Cookie: ${name}=a; ${name}=b`,
    ]);
    assert.match(answer, /^HTTP\/1\.1 \d{3} /, target);
  }
  assert.equal((await visitor.get('/')).status, 200);
});
