import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { request, user } from './people.ts';
import type { Ready } from './server.ts';

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

async function ask(port: number, cookie: string | null): Promise<Answer> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(request(cookie).replace('keep-alive', 'close'));
  const answer = await text(socket);
  const [head = ''] = answer.split('\r\n\r\n');
  // The one object, also out of chunks.
  const body = answer.slice(answer.indexOf('{', head.length), answer.lastIndexOf('}') + 1);
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body };
}

/** A candidate that answers wrongly, or to anybody, is not measured. */
export async function verify(name: string, { port, cookies, cookieWithout }: Ready): Promise<void> {
  const role = name.split('-')[1];
  if (role === 'bare') {
    assert.equal((await ask(port, null)).status, 200, name);
    return;
  }
  for (const number of [0, 1, cookies.length - 1]) {
    const { status, head, body } = await ask(port, cookies[number] ?? null);
    assert.equal(status, 200, `${name}: ${body}`);
    assert.deepEqual(JSON.parse(body), { user: user(number) }, name);
    if (role === 'floor' || role === 'sojourn') assert.match(head, /cache-control: no-store/, name);
  }
  const altered = cookies[0]?.replace(/.{9}$/, 'AAAAAAAAA') ?? null;
  assert.equal((await ask(port, null)).status, 401, `${name} without a cookie`);
  assert.equal((await ask(port, altered)).status, 401, `${name} with an altered cookie`);
  assert.equal((await ask(port, cookieWithout)).status, 403, `${name} without the permission`);
}
