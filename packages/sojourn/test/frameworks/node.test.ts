import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { nodeSessions } from '../../src/frameworks/node.ts';
import { Lab } from '../lab.ts';

/* What only the binding to node:http can get wrong: a rejection of its listener ends the process. */

async function serving(listener: RequestListener, run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await run(typeof address === 'object' && address ? address.port : 0);
  server.closeAllConnections();
  server.close();
}

test('a client that goes away in the middle of its body takes nothing with it', async () => {
  const lab = new Lab();
  const web = nodeSessions(lab.sessions);
  const outcomes: Promise<void>[] = [];
  const tracked = web.track(async (req, res) => {
    await web.session(req).body();
    res.end();
  });
  await serving(
    (req, res) => void outcomes.push(tracked(req, res)),
    async (port) => {
      const socket = connect(port, '127.0.0.1');
      const host = `Host: localhost:${port}`;
      socket.write(`POST / HTTP/1.1\r\n${host}\r\nOrigin: http://localhost:${port}\r\nContent-Length: 9\r\n\r\nhalf`);
      while (outcomes.length === 0) await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      await assert.doesNotReject(Promise.all(outcomes));
    },
  );
});

test('an answer that a refusal interrupts is cut off and logged, not ended as if it were whole', async () => {
  const lab = new Lab();
  const web = nodeSessions(lab.sessions);
  const outcomes: Promise<void>[] = [];
  const tracked = web.track(async (req, res) => {
    res.write('half');
    await web.session(req).signIn('u1');
  });
  await serving(
    (req, res) => void outcomes.push(tracked(req, res)),
    async (port) => {
      const origin = `http://localhost:${port}`;
      await assert.rejects(fetch(origin, { method: 'POST', headers: { origin } }).then((answer) => answer.text()));
      await assert.doesNotReject(Promise.all(outcomes));
    },
  );
  assert.deepEqual(
    lab.log.filter(({ level }) => level === 'error').map(({ code }) => code),
    ['response_started'],
  );
});
