import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { binary } from './process.ts';
import { contractThrough } from './redis-contract.ts';
import { serverOf } from './redis-server.ts';

/* Not every system has Valkey: where it is not, one line says so, with NO_SKIP too. */

if (binary('valkey-server') === null) {
  test('the contract on Valkey', { skip: 'valkey-server is not installed' }, () => {});
} else {
  contractThrough(['redis on valkey', 'ioredis on valkey'], false, async () => {
    const { url, stop } = await serverOf('valkey-server');
    const nodeRedis = createClient({ url });
    await nodeRedis.connect();
    const ioredis = new Redis(url);
    return {
      clients: {
        'redis on valkey': { client: nodeRedis, close: () => nodeRedis.close() },
        'ioredis on valkey': { client: ioredis, close: () => ioredis.quit() },
      },
      stop,
    };
  });
}
