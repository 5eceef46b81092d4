import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Visitor } from '../test/visitor.ts';

/* Each example is started as its reader would, and lived through over HTTP. */

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

interface Started {
  readonly origin: string;
  readonly process: ChildProcess;
  /** What it has written to its standard error. */
  log(): string;
}

async function start(framework: string, folder: string): Promise<Started> {
  const port = await freePort();
  const example = spawn(
    process.execPath,
    ['--conditions=sojourn-source', join(import.meta.dirname, framework, 'main.ts')],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PORT: String(port), SESSIONS: join(folder, `${framework}.db`) },
    },
  );
  let log = '';
  example.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const origin = `http://localhost:${port}`;
  for (;;) {
    const answer = await fetch(`${origin}/orders`).catch(() => null);
    if (answer) return { origin, process: example, log: () => log };
    assert.equal(example.exitCode, null, `${framework} did not start: ${log}`);
  }
}

const script = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

/** How each reads what the page's form sends: Fastify has no parser for forms of its own. */
const frameworks = { express: 'form', fastify: 'json', hono: 'form', node: 'form', fetch: 'form' } as const;

for (const [framework, encoding] of Object.entries(frameworks)) {
  test(`the ${framework} example lives through a session`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
    const { origin, process: example } = await start(framework, folder);
    try {
      const visitor = new Visitor(origin);
      const sent = await visitor.get('/orders');
      assert.equal(sent.status, 303);
      const signInPath = sent.headers.get('location') ?? '';
      const signIn = (password: string): ReturnType<Visitor['send']> =>
        visitor.send('POST', signInPath, { [encoding]: { username: 'ada', password } });
      const incomplete = [
        { username: 'ada' },
        { username: 'mallory' },
        { username: 'constructor' },
        { password: 'x' },
        {},
      ];
      for (const fields of [...incomplete, { username: 'mallory', password: '' }]) {
        for (const body of [{ json: fields }, { form: fields }]) {
          const { status } = await visitor.send('POST', '/login', body);
          assert.ok(status >= 400 && status < 500, `${JSON.stringify(body)}: ${status}`);
        }
      }
      const { status } = await visitor.send('POST', '/login', {});
      assert.ok(status >= 400 && status < 500, `no body: ${status}`);
      assert.equal((await signIn('wrong')).status, 401);
      const signedIn = await signIn('correct horse');
      assert.equal(signedIn.headers.get('location'), '/orders');
      assert.equal((await visitor.get('/orders')).json['of'], 'ada');
      const saved = visitor.copy();
      assert.equal((await visitor.post('/logout')).status, 303);
      const replay = await saved.get('/orders', { headers: script });
      assert.equal(replay.status, 401);
      assert.equal(replay.json['reason'], 'signed_out');
    } finally {
      example.kill();
      await once(example, 'exit');
      rmSync(folder, { recursive: true });
    }
  });
}

for (const [framework, encoding] of Object.entries(frameworks)) {
  test(`the ${framework} example answers what its sign-in throws as a problem, and logs what is the store’s fault`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
    const { origin, process: example, log } = await start(framework, folder);
    const closed = once(example, 'close');
    try {
      const visitor = new Visitor(origin);
      const ada = { [encoding]: { username: 'ada', password: 'correct horse' } };
      const nowhere = { ...script, 'sec-fetch-site': 'unheard-of' };
      const foreign = await visitor.send('POST', '/login', { ...ada, headers: nowhere });
      assert.deepEqual([foreign.status, foreign.json['code']], [403, 'cross_site']);

      const file = new DatabaseSync(join(folder, `${framework}.db`));
      file.exec('drop table sessions');
      file.close();
      const failed = await visitor.send('POST', '/login', { ...ada, headers: script });
      assert.deepEqual([failed.status, failed.json['code']], [503, 'store_unavailable']);
      assert.match(failed.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
      assert.ok(failed.headers.has('retry-after'));
    } finally {
      example.kill();
      await closed;
      rmSync(folder, { recursive: true });
    }
    // Once, with its cause; a refusal is the client’s business.
    assert.match(log(), /no such table/);
    assert.doesNotMatch(log(), /cross_site|comes from this site/);
  });
}

test('the express example keeps the cart over the sign-in and signs out other devices', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-'));
  const { origin, process: example } = await start('express', folder);
  try {
    const laptop = new Visitor(origin);
    const phone = new Visitor(origin);
    const ada = { json: { username: 'ada', password: 'correct horse' } };
    await laptop.send('POST', '/cart', { json: { item: 'book' } });
    for (const nothing of [{}, { json: {} }, { json: { item: ['pen'] } }, { form: {} }]) {
      assert.equal((await laptop.send('POST', '/cart', nothing)).status, 400);
    }
    await laptop.send('POST', '/login', ada);
    await phone.send('POST', '/login', ada);
    assert.deepEqual((await laptop.get('/orders')).json, { of: 'ada', cart: ['book'] });
    assert.deepEqual((await laptop.post('/refund')).json, { refunded: true });
    assert.deepEqual((await laptop.post('/logout-others')).json, { ended: 1 });
    assert.equal((await phone.get('/orders', { headers: script })).json['reason'], 'revoked');
    assert.equal((await laptop.get('/orders')).status, 200);
  } finally {
    example.kill();
    await once(example, 'exit');
    rmSync(folder, { recursive: true });
  }
});
