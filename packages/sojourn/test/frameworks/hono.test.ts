import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { honoSessions } from '../../src/frameworks/hono.ts';
import { Lab } from '../lab.ts';

test('who may not is refused before a byte of their body is read', async () => {
  const lab = new Lab();
  const web = honoSessions(lab.sessions);
  const app = new Hono();
  app.use(web.track);
  app.post('/admin', web.requireSignIn({ permission: 'admin' }), (c) => c.body(null));
  const browser = await lab.signedIn();
  const origin = 'http://localhost:3000';
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024));
      },
    },
    { highWaterMark: 0 },
  );
  const answer = await app.request(
    new Request(`${origin}/admin`, {
      method: 'POST',
      body,
      headers: { origin, host: 'localhost:3000', cookie: `sojourn-3000=${browser.token}` },
      // A stream is sent only by who says that it is one way at a time.
      ...{ duplex: 'half' },
    }),
  );
  assert.deepEqual([answer.status, pulled], [403, 0]);
});
