import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { endWith } from '../src/live/live.ts';
import { createSessions } from '../src/sessions.ts';
import { sqlite } from '../src/stores/sqlite/sqlite.ts';
import { guarantee } from './guarantee.ts';
import { Browser, type Data, type Permission } from './lab.ts';
import { temporary } from './temporary.ts';

guarantee('G12: a connection ends with its session, with the reason', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const said: unknown[] = [];
  endWith(await browser.signedIn(), { close: (...given) => said.push(given) });
  endWith(await browser.signedIn(), { end: () => said.push('end') });
  endWith(await browser.signedIn(), (reason) => said.push(reason));
  const gone = endWith(await browser.signedIn(), () => said.push('closed by itself before'));
  gone();
  assert.deepEqual(said, []);
  await here.sessions.terminateAll('u1', { reason: 'password_changed' });
  assert.deepEqual(said, [[1008, 'password_changed'], 'end', 'password_changed']);
});

guarantee('G12: a connection that has closed already is no error', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const close = (): void => {
    throw new TypeError('Invalid state: controller is closed');
  };
  const said: string[] = [];
  endWith(await browser.signedIn(), { close });
  endWith(await browser.signedIn(), (reason) => said.push(reason));
  await here.sessions.terminateAll('u1');
  assert.deepEqual(said, ['revoked']);
});

guarantee('G12: a connection of a session that had ended, or of none, ends at once', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const session = await browser.signedIn();
  const { signal } = session;
  await (await browser.signedIn()).terminate();
  const said: string[] = [];
  endWith({ state: 'signed-in', signal }, (reason) => said.push(reason));
  endWith(await here.browser().visit(), (reason) => said.push(reason));
  assert.deepEqual(said, ['signed_out', 'sign_in_required']);
});

guarantee(
  'G12: a connection is closed in the same turn where it is known already that the session has ended',
  async (lab) => {
    const here = lab();
    for (const how of ['signal', 'endWith', 'endWith and one that has gone'] as const) {
      const session = await (await here.signedIn()).signedIn();
      const said: string[] = [];
      if (how === 'signal') assert.equal(session.signal.aborted, false);
      else endWith(session, (reason) => said.push(reason));
      if (how === 'endWith and one that has gone') endWith(session, () => said.push('gone'))();
      await here.sessions.terminate(session.id, { reason: 'administrator' });
      said.length = 0;
      endWith(session, (reason) => said.push(reason));
      endWith(session, (reason) => said.push(reason));
      assert.deepEqual(said, ['administrator', 'administrator'], how);
      assert.equal(session.signal.aborted, true, how);
    }
  },
);

guarantee('G12: a session that ended before anybody waited on it is found out', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const session = await browser.signedIn();
  // Ended behind this process's back: nothing told it.
  await here.store.end(session.id, { reason: 'administrator', by: 'root', operation: 'elsewhere' });
  const { signal } = session;
  if (!signal.aborted) await once(signal, 'abort');
  assert.equal(signal.reason.reason, 'administrator');
});

test('G12: a session ended by another process ends the connections of this one [sqlite]', async () => {
  const path = temporary('sessions.db');
  const here = createSessions<Data, Permission>({ store: sqlite(path) });
  const there = createSessions({ store: sqlite(path) });
  try {
    const browser = new Browser(here);
    await (await browser.visit()).signIn('u1');
    const session = await browser.signedIn();
    const server = createServer((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
      endWith(session, res);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const stream = await fetch(`http://127.0.0.1:${port}`);
    const text = stream.text();
    assert.equal(await there.terminateAll('u1', { reason: 'administrator' }), 1);
    assert.equal(await text, ': open\n\n');
    assert.equal(session.signal.reason.reason, 'administrator');
    server.close();
  } finally {
    await here.close();
    await there.close();
  }
});
