import assert from 'node:assert/strict';
import { Visitor } from '../../../../test/visitor.ts';
import { through } from '../lab.ts';
import { networked } from '../near.ts';
import { everyFramework, script } from './every-framework.ts';

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
  const { code, endedAt, detail } = (await before.get('/fresh', { headers: script })).json;
  assert.deepEqual([code, endedAt], ['token_replaced', undefined]);
  assert.match(String(detail), /A newer token/);
});

everyFramework('G6: S-58: an expired session says so, to people and programs', async ({ visitor, lab }) => {
  await visitor.post('/login', { user: 'u1' });
  lab.clock.advance('30m');
  const fetched = await visitor.get('/orders', { headers: script });
  assert.equal(fetched.json['code'], 'session_expired_idle');
  const page = await visitor.get('/orders');
  assert.equal(page.headers.get('location'), '/login?return=%2Forders');
  assert.equal(visitor.jar.size, 1);
  assert.equal((await visitor.send('HEAD', '/orders', { headers: script })).status, 401);
});

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
  'an eager policy on a store that answers later: the visitor’s cookie is on the answer, also beside two that are no tokens',
  async ({ visitor, app }) => {
    const name = `sojourn-${new URL(app.origin).port}`;
    assert.equal((await visitor.get('/')).json['state'], 'anonymous');
    assert.match(visitor.jar.get(name) ?? '', /^.{67}$/);
    const other = new Visitor(app.origin);
    const answer = await other.get('/', { headers: { cookie: `${name}=a; ${name}=b` } });
    assert.equal(answer.json['state'], 'anonymous');
    assert.match(other.jar.get(name) ?? '', /^.{67}$/);
  },
  {
    policy: { anonymous: 'eager' },
    around: (store) =>
      through(networked(store), async (_name, run) => {
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
        return run();
      }),
  },
);
