import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Store } from 'sojourn';
import { memory } from 'sojourn/memory';
import { type TestSessions, testSessions } from 'sojourn/testing';
import { WebSocket } from 'ws';
import { openSockets } from './sockets.ts';

type Headers = Readonly<Record<string, string>>;

interface Opened {
  readonly t: TestSessions<object, string>;
  /** What reached the application. */
  readonly heard: string[];
  connect(headers: Headers): WebSocket;
}

async function opened(context: TestContext, store?: Store): Promise<Opened> {
  const t = testSessions<object>(store ? { store } : {});
  const server = createServer();
  const heard: string[] = [];
  openSockets(server, t.sessions, (subject, text, socket) => {
    heard.push(text);
    socket.send(`${subject}: ${text}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { t, heard, connect: (headers) => new WebSocket(`ws://127.0.0.1:${port}`, { headers }) };
}

async function refusal(socket: WebSocket): Promise<number> {
  socket.on('error', () => {});
  const [, answer] = await once(socket, 'unexpected-response');
  return answer.statusCode;
}

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = await once(socket, 'close');
  return [code, String(reason)];
}

test('a WebSocket is open until its session is signed out, and what was on its way then is not acted on', async (c) => {
  const { t, heard, connect } = await opened(c);
  const ada = await t.as('ada');
  const socket = connect(ada.headers);
  await once(socket, 'open');
  socket.send('hello');
  assert.equal(String((await once(socket, 'message'))[0]), 'ada: hello');
  const closed = closing(socket);
  await t.sessions.terminate(ada.id, { reason: 'signed_out' });
  socket.send('too late');
  assert.deepEqual(await closed, [1008, 'signed_out']);
  assert.deepEqual(heard, ['hello']);
});

test('it ends with the idle limit too', async (c) => {
  const { t, connect } = await opened(c);
  const socket = connect((await t.as('ada')).headers);
  await once(socket, 'open');
  const closed = closing(socket);
  t.clock.advance('31m');
  assert.deepEqual(await closed, [1008, 'session_expired_idle']);
});

test('before the handshake, a page of another origin is refused, and who is not signed in', async (c) => {
  const { t, connect } = await opened(c);
  const { headers } = await t.as('ada');
  const { cookie, ...visitor } = headers;
  const foreign: Headers = { ...headers, origin: 'https://evil.test' };
  assert.equal(await refusal(connect({ ...foreign, 'sec-fetch-site': 'cross-site' })), 403);
  // A browser without Fetch Metadata, and a program that says nothing of where it comes from.
  const { 'sec-fetch-site': _, ...older } = foreign;
  assert.equal(await refusal(connect(older)), 403);
  assert.equal(await refusal(connect({ host: foreign.host ?? '', cookie: cookie ?? '' })), 403);
  assert.equal(await refusal(connect(visitor)), 401);
  await t.sessions.terminateAll('ada');
  assert.equal(await refusal(connect(headers)), 401);
});

test('a store that cannot say whose session it is refuses with 503, and the log says why', async (c) => {
  const logged = c.mock.method(console, 'error', () => {});
  const store = memory();
  const { t, connect } = await opened(c, store);
  const { headers } = await t.as('ada');
  await store.close();
  assert.equal(await refusal(connect(headers)), 503);
  assert.equal(logged.mock.calls[0]?.arguments[0].code, 'store_unavailable');
});
