import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { openSite, password, type Site } from '../../test/site.ts';

let site: Site;

before(async () => {
  site = await openSite();
});

after(() => site.close());

/*
 * The browsers of these tests fail on any answer that holds a secret they were ever given, of their own or
 * of another's token. This one goes through a whole life with that, and looks at what is logged as well.
 */
test('G15: no page, no JSON, no stream of events and no line of the log shows the secret of a token', async (t) => {
  const logged = listening(t);
  const visitor = site.visitor();
  await visitor.get('/');
  const before = await visitor.stream();
  await visitor.post('/life/alter');
  await visitor.post('/life/plant', { username: 'ada', password, planted: 'anonymous' });
  await before.end();
  const stream = await visitor.stream();
  for (const path of [
    '/life/request',
    '/life/alter',
    '/life/permissions',
    '/life/rotate',
    '/life/replay',
    '/life/brief',
  ]) {
    await site.pass(1);
    await visitor.submit(path);
    await visitor.json('/session');
  }
  await visitor.get('/account');
  await visitor.get('/nowhere');
  await visitor.post('/life/replay/late');
  await visitor.post('/life/late-write');
  await stream.end();
  await visitor.post('/life/replay');
  await visitor.submit('/life/visit');
  assert.ok(visitor.seen >= 6, 'secrets to look for');
  visitor.check(logged.join('\n'));
});

function listening(t: TestContext): string[] {
  const lines: string[] = [];
  for (const level of ['info', 'warn', 'error', 'log'] as const) {
    t.mock.method(console, level, (...said: unknown[]) => lines.push(said.map(String).join(' ')));
  }
  return lines;
}
