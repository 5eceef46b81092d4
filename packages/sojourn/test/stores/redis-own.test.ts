import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, creating, found, newSession, operation } from '../../src/stores/contract/subject.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { code } from '../lab.ts';
import { untilHeard } from './hearing.ts';
import { freePort, skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';
import { listed } from './rights.ts';

/* What is Redis's own: settings that forget, scripts that are flushed, a server that dies, least rights. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');

interface Served {
  readonly client: Awaited<ReturnType<typeof connect>>;
  readonly url: string;
}

async function connect(url: string, user: { username?: string; password?: string } = {}) {
  const client = createClient({ url, ...user, socket: { reconnectStrategy: 20 } });
  // Told by the calls that fail.
  client.on('error', () => {});
  await client.connect();
  return client;
}

function onServer(title: string, settings: readonly string[], run: (served: Served) => Promise<void>): void {
  test(`${title} [redis]`, { skip }, async () => {
    const server = await redisServer(...settings);
    const client = await connect(server.url);
    try {
      await run({ client, url: server.url });
    } finally {
      client.destroy();
      await server.stop();
    }
  });
}

onServer(
  'G16: a server that keeps nothing on disk is refused unless that is allowed by name',
  ['--appendonly', 'no'],
  async ({ client }) => {
    await assert.rejects(redis(client), code('store_unusable'));
    assert.equal((await redis(client, { allowNoAppendOnlyFile: true })).name, 'redis');
  },
);

const evicting = ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'];
onServer(
  'G16: a server that throws keys away is refused unless that is allowed by name',
  evicting,
  async ({ client }) => {
    await assert.rejects(redis(client), code('store_unusable'));
    assert.equal((await redis(client, { allowEviction: true })).name, 'redis');
  },
);

onServer(
  'G16: a server of a Cluster is refused through a client that knows one server only',
  ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
  async ({ client }) => {
    await assert.rejects(redis(client), code('store_unusable'));
    await assert.rejects(redis(client), /Use createCluster/);
  },
);

onServer('scripts that the server has forgotten are sent again', [], async ({ client }) => {
  const store = await redis(client);
  const { id } = await created(store, 'u1');
  await client.sendCommand(['SCRIPT', 'FLUSH']);
  await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  assert.equal((await found(store, id)).ending?.reason, 'signed_out');
});

onServer('a prefix that would not be one is refused', [], async ({ client }) => {
  for (const prefix of ['', 'a b', 'x{1}', 'é'])
    await assert.rejects(redis(client, { prefix }), code('option_invalid'));
});

onServer('the account of sessions needs no more than these commands', [], async ({ client, url }) => {
  const rights = listed('and no others');
  await client.sendCommand(['ACL', 'SETUSER', 'sojourn', 'on', '>pass', '~sojourn:*', '&sojourn:*', ...rights]);
  const least = await connect(url, { username: 'sojourn', password: 'pass' });
  try {
    const store = await redis(least);
    await everything(store);
    await untilHeard(store, store);
    // As who follows the advice about silent connections does.
    assert.equal(await least.ping(), 'PONG');
    await assert.rejects(least.sendCommand(['FLUSHALL']), /NOPERM/);
    await assert.rejects(least.sendCommand(['KEYS', '*']), /NOPERM/);
    await assert.rejects(least.sendCommand(['GET', 'others']), /NOPERM/);
  } finally {
    least.destroy();
  }
});

async function everything(store: Store): Promise<void> {
  const visitor = await created(store, null);
  const { id } = await created(store, 'u1', {}, { replaces: { id: visitor.id, version: 1 } });
  await store.touch([{ id, seenAt: store.now() + 1 }]);
  await store.update(id, 1, { data: '{"n":1}' }, { operation: operation(), seenAt: 0, events: [{ type: 'rotated' }] });
  await store.setPermissions('u1', ['a'], { operation: operation() });
  await store.note([{ id, code: 'secret_mismatch', count: 1 }]);
  assert.equal((await store.list('u1')).live.length, 1);
  assert.equal((await store.page(null, 10)).records.length, 2);
  assert.equal((await store.subjects(null, 10)).subjects.length, 1);
  const away = [await found(store, id), { ...(await found(store, visitor.id)), id: 'Aelsewhere' }];
  assert.equal((await store.adopt(away, [await store.subject('u1')], { operation: operation() })).length, 2);

  assert.ok((await store.events(null, 10)).events.length > 3);
  await store.sweep(10);
  await store.end(id, { reason: 'signed_out', by: 'u1', keepData: true, operation: operation() });
  await store.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() });
  await store.enable('u1', { operation: operation() });
  await store.purge('u1', { operation: operation() });
}

test('G5: what was acknowledged is there after kill -9 and a restart [redis]', { skip }, async () => {
  const server = await redisServer('--appendfsync', 'always');
  const client = await connect(server.url);
  const store = await redis(client);
  const acknowledged: string[] = [];
  const writing = Array.from({ length: 8 }, async () => {
    for (;;) {
      const made = await store.create(newSession('u1'), creating({ checkedAt: store.now() + 1 })).catch(() => null);
      if (made?.outcome !== 'created') return;
      acknowledged.push(made.record.id);
    }
  });
  while (acknowledged.length < 200) await new Promise((resolve) => setImmediate(resolve));
  await server.restart('SIGKILL');
  client.destroy();
  await Promise.all(writing);
  const again = await connect(server.url);
  try {
    const reopened = await redis(again);
    for (const id of acknowledged) assert.equal((await found(reopened, id)).ending, undefined);
  } finally {
    again.destroy();
    await server.stop();
  }
});

test('the client’s timers are for commands that wait for a connection, or behind very many unanswered ones [redis]', {
  skip,
}, async () => {
  const server = await redisServer();
  const client = await connect(server.url);
  const timers = mock.method(AbortSignal, 'timeout');
  try {
    const store = await redis(client);
    const { id } = await created(store, 'u1');
    await Promise.all(Array.from({ length: 900 }, () => store.find(id)));
    assert.equal(timers.mock.callCount(), 0);
    server.signal('SIGSTOP');
    const waiting = Array.from({ length: 1500 }, () => store.find(id));
    assert.equal(timers.mock.callCount(), 500);
    server.signal('SIGCONT');
    await Promise.all(waiting);
    await store.find(id);
    assert.equal(timers.mock.callCount(), 500);
    const gone = new Promise((resolve) => client.once('reconnecting', resolve));
    await Promise.all([gone, server.stop()]);
    const unanswered = assert.rejects(Promise.resolve(store.find(id)));
    assert.ok(timers.mock.callCount() > 500);
    client.destroy();
    await unanswered;
  } finally {
    timers.mock.restore();
    if (client.isOpen) client.destroy();
  }
});

test('G5: with waitReplicas a write is acknowledged once a replica has it, and says so when none has [redis]', {
  skip,
}, async () => {
  const primary = await redisServer('--repl-diskless-sync-delay', '0');
  const { port } = new URL(primary.url);
  const replica = await redisServer('--replicaof', '127.0.0.1', port);
  const client = await connect(primary.url);
  try {
    const store = await redis(client, { waitReplicas: { count: 1, timeout: 10_000 } });
    while (!String(await client.sendCommand(['INFO', 'replication'])).includes('state=online')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { id } = await created(store, 'u1');
    const reader = await connect(replica.url);
    assert.ok(await reader.sendCommand(['GET', `sojourn:{${id.charAt(0)}}:s:${id}`]));
    reader.destroy();
    await replica.stop();
    const hasty = await redis(client, { waitReplicas: { count: 1, timeout: 10 } });
    await assert.rejects(
      hasty.end(id, { reason: 'signed_out', by: 'u1', operation: operation() }),
      code('store_unavailable'),
    );
  } finally {
    client.destroy();
    await replica.stop();
    await primary.stop();
  }
});
