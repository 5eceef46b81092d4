import assert from 'node:assert/strict';
import { Visitor } from '../../../../test/visitor.ts';
import { type LabOptions, through } from '../lab.ts';
import { everyFramework, script } from './every-framework.ts';

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
  'G16: a write that nobody awaited, and a sign-in after the answer, are said',
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
  'G16: a cookie that was overwritten, and a cacheable answer that sets one, are said',
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
        // What the driver said is for the log.
        assert.doesNotMatch(answer.text, /ECONNREFUSED/);
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

everyFramework(
  'G13: a new secret is set once due, on pages and fetches, not on images or upgrades',
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
      { connection: 'upgrade', upgrade: 'websocket' },
      { connection: 'upgrade', upgrade: 'h2c' },
    ]) {
      const part = await visitor.get('/', { headers });
      assert.equal(part.json['id'], id);
      assert.equal(part.headers.getSetCookie().length, 0, JSON.stringify(headers));
    }
    const page = await visitor.get('/');
    assert.equal(page.headers.getSetCookie().length, 1);
    assert.notEqual(visitor.cookie, before);
    const next = await visitor.get('/');
    assert.equal(next.json['id'], id);
    assert.equal(next.headers.getSetCookie().length, 0);
  },
);
