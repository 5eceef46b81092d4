import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchSessions } from '../../src/frameworks/fetch.ts';
import { code, Lab } from '../lab.ts';

const origin = 'http://localhost:3000';

test('what a platform passes beside the request is no address unless it is a text', async () => {
  const { sessions } = new Lab();
  const web = fetchSessions(sessions);
  const handle = web.handler(async (_request, session) => {
    await session.signIn('u1');
    return Response.json(session.state === 'signed-in' && session.device?.address);
  });
  const given: readonly (readonly [unknown, address: string])[] = [
    ['192.0.2.77', '192.0.2.0/24'],
    [undefined, ''],
    [null, ''],
    ['', ''],
    // As Deno, Workers and Bun call a handler.
    [{ remoteAddr: { transport: 'tcp', hostname: '192.0.2.77', port: 4711 } }, ''],
    [{ DATABASE: {} }, ''],
    [{ requestIP: () => ({ address: '192.0.2.77' }) }, ''],
  ];
  for (const [second, address] of given) {
    const answer = await handle(new Request(`${origin}/`, { method: 'POST', headers: { origin } }), second);
    assert.deepEqual([answer.status, await answer.json()], [200, address], JSON.stringify(second));
  }
});

test('G16: an address that is no text is refused where it is asked for by name', async () => {
  const web = fetchSessions(new Lab().sessions);
  const request = new Request(`${origin}/`);
  const given = { address: { hostname: '192.0.2.77' } };
  await assert.rejects(async () => Reflect.apply(web.track, web, [request, given]), code('option_invalid'));
  assert.equal((await web.track(request, { address: '192.0.2.77' })).session.state, 'none');
});
