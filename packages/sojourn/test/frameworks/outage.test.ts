import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchSessions } from '../../src/frameworks/fetch.ts';
import type { Session } from '../../src/session.ts';
import { type Data, Lab, type Permission, through } from '../lab.ts';

const origin = 'http://localhost:3000';

test('G8: who is served as a visitor while the store cannot say writes nothing, and signs nobody out', async () => {
  let broken = false;
  const lab = new Lab({
    around: (store) =>
      through(store, (name, run) => {
        if (broken && name === 'find') throw new Error('ECONNREFUSED');
        return run();
      }),
  });
  const web = fetchSessions(lab.sessions);
  const browser = await lab.signedIn();
  const acts: Readonly<Record<string, (session: Session<Data, Permission>) => Promise<unknown>>> = {
    update: (session) =>
      session.update((draft) => {
        draft.n = 1;
      }),
    signIn: (session) => session.signIn('u2'),
    beginSignIn: (session) => session.beginSignIn('u2'),
    terminate: (session) => session.terminate(),
  };
  const ask = (act: string, cookie: string): Promise<Response> => {
    const handle = web.handler(
      async (_request, session) => {
        await acts[act]?.(session);
        return Response.json({ state: session.state });
      },
      { whenUnknown: 'visitor' },
    );
    return handle(new Request(`${origin}/`, { method: 'POST', headers: { origin, cookie } }));
  };
  broken = true;
  for (const act of Object.keys(acts)) {
    const answer = await ask(act, `sojourn-3000=${browser.token}`);
    assert.equal(answer.status, 503, act);
    assert.deepEqual(answer.headers.getSetCookie(), [], act);
  }
  assert.deepEqual(await (await ask('nothing', `sojourn-3000=${browser.token}`)).json(), { state: 'none' });
  // Who brought no token is a visitor whatever the store can say.
  assert.equal((await ask('signIn', '')).status, 200);
  broken = false;
  assert.equal((await browser.signedIn()).subject, 'u1');
});
