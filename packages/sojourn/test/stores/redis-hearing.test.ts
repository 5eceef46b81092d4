import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'redis';
import { created } from '../../src/stores/contract/subject.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { settled } from '../between.ts';
import { endsByItself, hearingBehaviour, type Open, untilHeard } from './hearing.ts';
import { openings } from './openings.ts';
import { skipWithout } from './process.ts';
import { type RedisCluster, redisCluster } from './redis-cluster.ts';
import { type RedisServer, redisServer } from './redis-server.ts';

/* Changes that processes announce to each other over sharded channels. */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server', 'redis-cli');
let server: RedisServer;
let cluster: RedisCluster;
const space = 'hearing';

before(async () => {
  if (skip) return;
  server = await redisServer();
  cluster = await redisCluster();
});
after(async () => {
  await server?.stop();
  await cluster?.stop();
});

/** How many connections that heard each of the servers had. */
async function killed(urls: readonly string[]): Promise<number> {
  let count = 0;
  for (const url of urls) {
    const client = await createClient({ url, RESP: 2 }).connect();
    count += Number(await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']));
    client.destroy();
  }
  return count;
}

function opening(client: string, urls: () => readonly string[]): Open {
  return async (watchEvery) => {
    const opened = await openings[client]?.(urls(), { space, watchEvery });
    assert.ok(opened);
    const { store, closeClient } = opened;
    return { store, close: () => store.close().then(closeClient) };
  };
}

async function silence(urls: readonly string[]): Promise<void> {
  assert.ok((await killed(urls)) > 0);
}

for (const client of ['redis', 'ioredis']) {
  const urls = (): readonly string[] => [server.url];
  hearingBehaviour(client, skip, opening(client, urls), {
    'a connection that is killed is made again': () => silence(urls()),
    'a server that is killed and restarted is found again': () => server.restart('SIGKILL'),
  });
  endsByItself(client, skip, () => [client, ...urls()]);
}
for (const client of ['redis cluster', 'ioredis cluster']) {
  const urls = (): readonly string[] => cluster.urls;
  hearingBehaviour(client, skip, opening(client, urls), {
    'connections that are killed are made again': () => silence(urls()),
  });
  endsByItself(client, skip, () => [client, ...urls()]);
}

test('a connection that hears is there only while somebody listens, and not with subscribe: false [redis]', {
  skip,
}, async () => {
  const client = await createClient({ url: server.url }).connect();
  const hearing = async (): Promise<number> =>
    String(await client.sendCommand(['CLIENT', 'LIST', 'TYPE', 'pubsub'])).match(/^id=/gm)?.length ?? 0;
  const [heard, deaf] = [await redis(client), await redis(client, { subscribe: false })];
  assert.equal(await hearing(), 0);
  const stop = heard.listen(() => {});
  await untilHeard(heard, deaf);
  assert.equal(await hearing(), 1);
  stop();
  while ((await hearing()) > 0);
  const stopDeaf = deaf.listen(() => {});
  await created(deaf, 'u1');
  assert.equal(await hearing(), 0);
  stopDeaf();
  await client.close();
});

test('channels are subscribed a few at a time: what is written at once must not fill memory [redis]', {
  skip,
}, async () => {
  const client = await createClient({ url: server.url }).connect();
  let [waiting, most] = [0, 0];
  const duplicate = client.duplicate.bind(client);
  Object.assign(client, {
    duplicate() {
      const other = duplicate();
      const subscribe = other.sSubscribe.bind(other);
      const counted: typeof other.sSubscribe = async (...given) => {
        waiting += 1;
        most = Math.max(most, waiting);
        await subscribe(...given);
        waiting -= 1;
      };
      return Object.assign(other, { sSubscribe: counted });
    },
  });
  const store = await redis(client);
  const stop = store.listen(() => {});
  await untilHeard(store, store);
  assert.equal(most, 8);
  stop();
  await store.close();
  await client.close();
});

for (const name of ['redis', 'ioredis']) {
  test(`who stops listening while the connection is being made leaves none behind [${name}]`, { skip }, async () => {
    const client = await createClient({ url: server.url }).connect();
    const opened = await openings[name]?.([server.url], { space });
    assert.ok(opened);
    const connections = async (): Promise<number> =>
      String(await client.sendCommand(['CLIENT', 'LIST'])).match(/^id=/gm)?.length ?? 0;
    const before = await connections();
    for (let turn = 0; turn < 30; turn++) {
      const stop = opened.store.listen(() => {});
      // Each a little later in the making.
      for (let i = 0; i < turn; i++) await settled();
      stop();
    }
    while ((await connections()) > before);
    await opened.store.close();
    await opened.closeClient();
    await client.close();
  });
}
