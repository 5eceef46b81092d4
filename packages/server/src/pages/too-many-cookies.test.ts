import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { openSite, type Site } from '../../test/site.ts';

let site: Site;
const bomb = (kilobytes: number): string =>
  Array.from({ length: kilobytes }, (_, i) => `bomb-${i}=${'x'.repeat(1014)}`).join('; ');

before(async () => {
  site = await openSite();
});

after(() => site.close());

for (const kilobytes of [17, 33, 200]) {
  test(`S-32: ${kilobytes} KiB of cookies: a page that takes them away, says so, and does not loop`, async () => {
    const { head, body } = await ask(site.origin, '/', [`Cookie: ${bomb(kilobytes)}`]);
    assert.match(head, /^HTTP\/1\.1 431 /);
    assert.match(head, /^Set-Cookie: bomb-1=; Path=\/; Max-Age=0$/m);
    assert.match(head, new RegExp(`^Set-Cookie: bomb-${Math.min(kilobytes, 50) - 1}=;`, 'm'), 'also those behind');
    assert.match(head, /^Cache-Control: no-store$/m);
    assert.match(head, /^content-security-policy: default-src 'none'/m);
    assert.doesNotMatch(head, /^location:/im);
    assert.match(body, /<h1>This request is too large<\/h1>/);
    assert.match(body, /They have been removed/);
  });
}

test('S-32: fewer are no harm, and nobody else is concerned', async () => {
  const { head } = await ask(site.origin, '/login', [`Cookie: ${bomb(9)}`]);
  assert.match(head, /^HTTP\/1\.1 200 /);
  assert.equal((await site.visitor().get('/')).status, 200);
});

test('S-32: behind https all cookies go, also those of a parent domain, and the secure ones', async () => {
  const behind = await openSite('--origin', 'https://sessions.test');
  try {
    const { head } = await ask(behind.origin, '/', [`Cookie: __Host-sojourn=x; ${bomb(17)}`]);
    assert.match(head, /^Clear-Site-Data: "cookies"$/m);
    assert.match(head, /^Set-Cookie: __Host-sojourn=; Path=\/; Max-Age=0; Secure$/m);
    assert.match(head, /^strict-transport-security: /m);
  } finally {
    await behind.close();
  }
});

test('S-32: an address that is too long signs nobody out, whoever made the link', async () => {
  const { head, body } = await ask(site.origin, `/?${'x; y='.repeat(20_000).replaceAll(' ', '%20')}`, [
    `Cookie: a=b; c=d`,
  ]);
  assert.match(head, /^HTTP\/1\.1 431 /);
  assert.doesNotMatch(head, /^(set-cookie|clear-site-data):/im);
  assert.match(body, /Nothing was changed/);
});

test('what is no HTTP at all is refused without a word about the inside', async () => {
  const { head, body } = await ask(site.origin, 'no path', []);
  assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.equal(body, '');
});

interface Raw {
  readonly head: string;
  readonly body: string;
}

/** As no client would send it: Node's own refuses headers of this size. */
function ask(origin: string, path: string, lines: readonly string[]): Promise<Raw> {
  const { host, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), 'localhost')
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        text += chunk;
      })
      .on('error', reject)
      .on('end', () => {
        const [head = '', body = ''] = text.split('\r\n\r\n', 2);
        resolve({ head: head.replaceAll('\r\n', '\n').replace('\n', '\r\n'), body });
      });
    const fixed = [
      `Host: ${host}`,
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
      'Accept: text/html',
      'Connection: close',
    ];
    socket.write(`GET ${path} HTTP/1.1\r\n${[...fixed, ...lines].join('\r\n')}\r\n\r\n`);
  });
}
