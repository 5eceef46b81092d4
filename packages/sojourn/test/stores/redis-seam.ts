import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { NodeRedisClient, NodeRedisCluster, RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { skipWithout } from './process.ts';
import { type RedisServer, redisServer } from './redis-server.ts';

/* Two processes on one Redis: what the first sends can be looked at, and the other can write just before it. */

export interface Seam {
  readonly store: Store;
  /** Another process on the same sessions. */
  readonly other: Store;
  /** Commands past both of them. */
  readonly send: NodeRedisClient['sendCommand'];
  readonly prefix: string;
  readonly clock: { now: number };
  /** What `store` has sent since it was opened; to be emptied. */
  readonly sent: (readonly string[])[];
  /** What is waited for before each command of `store` is sent. */
  readonly each: { before: (command: readonly string[]) => unknown };
}

/** How the server is reached: by itself, or as if each script could reach one partition of it. */
type Reached = 'redis' | 'redis cluster';

/** Registers the file's tests on one server of their own, each with its own keys. */
export function onSeam(reached: Reached = 'redis'): (title: string, run: (seam: Seam) => Promise<void>) => void {
  const skip = skipWithout('redis-server');
  let server: RedisServer | null = null;
  let client: Awaited<ReturnType<typeof connected>> | null = null;
  let prefixes = 0;
  before(async () => {
    if (skip) return;
    server = await redisServer();
    client = await connected(server.url);
  });
  after(async () => {
    await client?.close();
    await server?.stop();
  });
  return (title, run) => {
    test(`${title} [${reached}]`, { skip }, async () => {
      if (client === null) throw new Error('no server was started');
      prefixes += 1;
      await run(await seamOn(client, reached, `seam-${process.pid}-${prefixes}`));
    });
  };
}

async function connected(url: string) {
  const client = createClient({ url });
  await client.connect();
  return client;
}

async function seamOn(client: NodeRedisClient, reached: Reached, prefix: string): Promise<Seam> {
  const clock = { now: Date.now() };
  const options = { prefix, now: () => clock.now };
  const sent: (readonly string[])[] = [];
  const each: Seam['each'] = { before: () => {} };
  const send: Seam['send'] = (args) => client.sendCommand(args);
  const seen: NodeRedisClient = {
    async sendCommand(args) {
      sent.push(args);
      await each.before(args);
      return send(args);
    },
  };
  const as = (one: NodeRedisClient): RedisClient => (reached === 'redis' ? one : clusterOf(one));
  const [store, other] = [await redis(as(seen), options), await redis(as(client), options)];
  return { store, other, send, prefix, clock, sent, each };
}

/** A server as a cluster of one, which is treated like any cluster. */
export function clusterOf(client: NodeRedisClient): NodeRedisCluster {
  return {
    masters: [client],
    nodeClient: () => client,
    multi: () => assert.fail('nobody waits for replicas'),
    sendCommand: (_key, _isReadonly, args) => client.sendCommand(args),
  };
}

/** Runs before the nth commit that `store` sends from now on. */
export function beforeCommit({ each }: Seam, n: number, run: () => Promise<unknown>): void {
  let left = n;
  each.before = async (command) => {
    if (!command.at(-1)?.includes('"guards"')) return;
    left -= 1;
    if (left === 0) await run();
  };
}
