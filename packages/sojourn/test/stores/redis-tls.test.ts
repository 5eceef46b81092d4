import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { created, found, operation } from '../../src/stores/contract/subject.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { redisTlsServer, type TlsServer } from './redis-tls.ts';

/* The application's client speaks TLS; the store neither knows nor cares. */

const skip = process.env['REDIS_URL'] ? 'these tests need a certificate' : skipWithout('redis-server', 'openssl');

/** Calls `use` with a client that trusts `ca`, and closes it. */
const clients = {
  'node-redis': async ({ url }: TlsServer, ca: string | undefined, use: (client: RedisClient) => Promise<void>) => {
    const socket = { tls: true, ca, reconnectStrategy: false } as const;
    const client = createClient({ url, socket });
    // Told by the calls that fail.
    client.on('error', () => {});
    await client.connect();
    await use(client).finally(() => client.destroy());
  },
  ioredis: async ({ url }: TlsServer, ca: string | undefined, use: (client: RedisClient) => Promise<void>) => {
    const client = new Redis(url, { tls: { ca }, lazyConnect: true, retryStrategy: null });
    client.on('error', () => {});
    await client.connect();
    await use(client).finally(() => client.disconnect());
  },
} as const;

for (const [name, connect] of Object.entries(clients)) {
  test(`a session signs in, is found and ends over TLS, and a server that is not trusted gets none [redis, ${name}]`, {
    skip,
  }, async () => {
    const server = await redisTlsServer();
    try {
      await connect(server, server.authority.text, async (client) => {
        const store = await redis(client);
        const { id } = await created(store, 'u1');
        assert.equal((await found(store, id)).subject, 'u1');
        await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
        assert.equal((await found(store, id)).ending?.reason, 'signed_out');
        await store.close();
      });
      await assert.rejects(connect(server, undefined, () => assert.fail('it connected')));
    } finally {
      await server.stop();
    }
  });
}
