import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSessions, SojournError } from 'sojourn';
import { memory } from 'sojourn/memory';
import { ConfigError, readConfig } from './config.ts';

const hosts = [
  'localhost',
  'localhost:7420',
  'shop.localhost',
  'localhost.example',
  'notlocalhost',
  '127.0.0.1',
  '127.0.0.1:7420',
  '127.8.9.1',
  '127.example.com',
  '127.0.0.1.example.com',
  '128.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '[::1]',
  '[::1]:7420',
  '[::2]',
  '[::ffff:7f00:1]',
  '[::]',
  'sessions.example',
  'sessions.example:8443',
];

/** Whether the library serves at an address. */
async function serves(origin: string): Promise<boolean> {
  try {
    await createSessions({ store: memory(), origin, log: () => {} }).close();
    return true;
  } catch (error) {
    assert.ok(error instanceof SojournError && error.code === 'option_invalid', String(error));
    return false;
  }
}

function reads(origin: string): boolean {
  try {
    return readConfig(['--origin', origin], {}).origin === origin;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return false;
  }
}

test('an origin is taken at the start exactly where the library takes it, so that nothing is opened in vain', async () => {
  const origins = hosts.flatMap((host) => [
    ...['http:', 'https:', 'HTTPS:', 'ftp:'].map((scheme) => `${scheme}//${host}`),
    ...['/', '/app', '?x', '#x', ':443', ':80', '.'].map((end) => `https://${host}${end}`),
    `http://${host}:80`,
    `https://${host.toUpperCase()}`,
    `https://ada@${host}`,
    host,
  ]);
  for (const origin of ['null', 'https://', 'https://a b', ...origins]) {
    assert.equal(reads(origin), await serves(origin), origin);
  }
});

test('the buttons of the lifecycle page are there by default exactly where the library serves plain http', async () => {
  for (const host of hosts) {
    const { demo } = readConfig(['--origin', `https://${host}`], {});
    assert.equal(demo, await serves(`http://${host}`), host);
  }
});

test('what is wrong with an origin is said with the origin to write', () => {
  const cases = [
    ['https://sessions.example/app', 'https://sessions.example'],
    ['https://sessions.example/', 'https://sessions.example'],
    ['https://sessions.example:443', 'https://sessions.example'],
    ['https://SESSIONS.example:8443', 'https://sessions.example:8443'],
    ['http://LOCALHOST:7420', 'http://localhost:7420'],
  ] as const;
  for (const [given, fix] of cases) {
    assert.throws(() => readConfig(['--origin', given], {}), { message: `--origin ${given}: write it as ${fix}.` });
  }
  for (const given of ['sessions.example', 'ftp://sessions.example', 'sessions.example:8443']) {
    assert.throws(() => readConfig(['--origin', given], {}), {
      message: `--origin ${given}: write it as https://example.com, without a path.`,
    });
  }
});

test('who is told to write an origin otherwise is told one that is taken', () => {
  for (const given of ['http://EXAMPLE.com', 'http://sessions.example/app', 'http://sessions.example:80']) {
    assert.throws(() => readConfig(['--origin', given], {}), {
      message: `--origin ${given}: use https, or a loopback host.`,
    });
  }
});
