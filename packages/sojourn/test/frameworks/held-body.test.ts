import assert from 'node:assert/strict';
import { everyFramework, hold, script } from './every-framework.ts';

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
