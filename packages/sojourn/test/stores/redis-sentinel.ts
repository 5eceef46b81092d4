import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createClient, createSentinel } from 'redis';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { freePort, needed, newFolder, type Started, start, until } from './process.ts';

/* Three sentinels around a primary, and the clients that ask them. */

export interface Sentinels {
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

export async function sentinelsOf(primary: number): Promise<Sentinels> {
  const folder = newFolder('sentinel');
  const all: { readonly port: number; readonly started: Started }[] = [];
  for (let i = 0; i < 3; i++) {
    const port = await freePort();
    const path = join(folder.path, `${port}.conf`);
    writeFileSync(
      path,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder.path}`,
        `sentinel monitor main 127.0.0.1 ${primary} 2`,
        'sentinel down-after-milliseconds main 500',
        'sentinel failover-timeout main 3000',
      ].join('\n'),
    );
    const started = start(needed('redis-server'), [path, '--sentinel']);
    await until(started, async () => {
      // Each knows the replica and the other two before anything is killed.
      const text = await said(port, ['SENTINEL', 'MASTER', 'main']);
      if (!/num-slaves,1,.*num-other-sentinels,[0-2]/.test(text)) throw new Error(text);
    });
    all.push({ port, started });
  }
  for (const { port, started } of all) {
    await until(started, async () => {
      if (!/num-other-sentinels,2/.test(await said(port, ['SENTINEL', 'MASTER', 'main']))) throw new Error('alone');
    });
  }
  return {
    ports: all.map(({ port }) => port),
    async stop() {
      // A replica that is writing its first append-only file refuses to end by SIGTERM, and forgets that it was asked.
      for (const { started } of all) await started.stop('SIGKILL');
      folder.remove();
    },
  };
}

/** What one command answers, as text. */
export async function said(port: number, command: string[]): Promise<string> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2, socket: { reconnectStrategy: false } });
  // Told by the command, which fails.
  client.on('error', () => {});
  try {
    await client.connect();
    return String(await client.sendCommand(command));
  } finally {
    if (client.isOpen) client.destroy();
  }
}

type Connect = (ports: readonly number[]) => Promise<{ readonly client: RedisClient; close(): void }>;

export const sentinelClients: Readonly<Record<string, Connect>> = {
  'node-redis': async (ports) => {
    const sentinelRootNodes = ports.map((port) => ({ host: '127.0.0.1', port }));
    const client = createSentinel({ name: 'main', sentinelRootNodes, scanInterval: 100 });
    // Told by the calls that fail.
    client.on('error', () => {});
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  ioredis: async (ports) => {
    const client = new Redis({ name: 'main', sentinels: ports.map((port) => ({ host: '127.0.0.1', port })) });
    client.on('error', () => {});
    return { client, close: () => client.disconnect() };
  },
};
