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
    assert.match(head, /^Set-Cookie: bomb-1=; Path=\/; Max-Age=0$/im);
    assert.match(head, new RegExp(`^Set-Cookie: bomb-${Math.min(kilobytes, 50) - 1}=;`, 'im'), 'also those behind');
    assert.match(head, /^Cache-Control: no-store$/im);
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
    assert.match(head, /^Clear-Site-Data: "cookies"$/im);
    assert.match(head, /^Set-Cookie: __Host-sojourn=; Path=\/; Max-Age=0; Secure$/im);
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

for (const kilobytes of [8, 15.5, 24, 31.5, 60]) {
  test(`S-32: nor does one of ${kilobytes} KiB beside cookies that are not many`, async () => {
    const own = `Cookie: sojourn-7420=${'x'.repeat(70)}; theme=dark; ${bomb(7)}`;
    const { head, body } = await ask(site.origin, `/?${'x'.repeat(kilobytes * 1024)}`, [own, 'X-More: a=b; c=d']);
    if (kilobytes <= 8) {
      assert.match(head, /^HTTP\/1\.1 200 /);
      return;
    }
    assert.match(head, /^HTTP\/1\.1 431 /);
    assert.doesNotMatch(head, /^(set-cookie|clear-site-data):/im);
    assert.match(body, /Nothing was changed/);
    assert.match(body, /remove the cookies of this site in your browser’s settings/);
  });
}

test('S-32: nor does a long address that another page of the link’s maker was reached by', async () => {
  const lines = [`Referer: https://elsewhere.test/?${'x'.repeat(4000)}`, `Cookie: ${bomb(7)}`];
  const { head } = await ask(site.origin, `/?${'x'.repeat(6000)}`, lines);
  assert.match(head, /^HTTP\/1\.1 431 /);
  assert.doesNotMatch(head, /^(set-cookie|clear-site-data):/im);
});

test('S-32: a long address that comes in several packets, its end with the cookies, removes none', async () => {
  const start = `/?${'x'.repeat(20_000)}`;
  const { head } = await ask(site.origin, start, [`Cookie: ${bomb(7)}; ${bomb(6)}`], { pauseAfter: 19_000 });
  assert.match(head, /^HTTP\/1\.1 431 /);
  assert.doesNotMatch(head, /^(set-cookie|clear-site-data):/im);
});

test('S-32: many cookies are taken away also where they come in several packets', async () => {
  const { head } = await ask(site.origin, '/', [`Cookie: ${bomb(17)}`], { pauseAfter: 14_000 });
  assert.match(head, /^HTTP\/1\.1 431 /);
  assert.match(head, /^Set-Cookie: bomb-0=; Path=\/; Max-Age=0$/im);
  assert.match(head, /^Set-Cookie: bomb-16=; Path=\/; Max-Age=0$/im);
});

test('S-32: a header that is long and no cookie takes none away', async () => {
  const { head } = await ask(site.origin, '/', [`X-Long: ${'x'.repeat(17_000)}`, 'Cookie: a=b; c=d']);
  assert.match(head, /^HTTP\/1\.1 431 /);
  assert.doesNotMatch(head, /^(set-cookie|clear-site-data):/im);
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
function ask(
  origin: string,
  path: string,
  lines: readonly string[],
  { pauseAfter = 0 }: { pauseAfter?: number } = {},
): Promise<Raw> {
  const { host, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let came = '';
    const socket = connect(Number(port), 'localhost')
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        came += chunk;
      })
      .on('error', reject)
      .on('end', () => {
        const [head = '', body = ''] = came.split('\r\n\r\n', 2);
        resolve({ head: head.replaceAll('\r\n', '\n').replace('\n', '\r\n'), body });
      });
    const fixed = [
      `Host: ${host}`,
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
      'Accept: text/html',
      'Connection: close',
    ];
    const text = `GET ${path} HTTP/1.1\r\n${[...fixed, ...lines].join('\r\n')}\r\n\r\n`;
    const rest = (): boolean => socket.write(text.slice(pauseAfter));
    if (pauseAfter === 0) rest();
    // What was written first has been read by then: a page asked for over another connection has come.
    else socket.setNoDelay().write(text.slice(0, pauseAfter), () => void site.visitor().get('/login').then(rest));
  });
}
