import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort, needed, newFolder, type Started, start, until } from './process.ts';

/** Three primaries, each with a replica. */
export interface RedisCluster {
  readonly urls: readonly string[];
  /** kill -9 of the one on this port. */
  kill(port: number): Promise<void>;
  /** Starts the one on this port again, on what it left. */
  revive(port: number): Promise<void>;
  stop(): Promise<void>;
}

export async function redisCluster(): Promise<RedisCluster> {
  const folder = newFolder('cluster');
  const nodes: { readonly port: number; readonly begin: () => Promise<Started>; started: Started }[] = [];
  for (let i = 0; i < 6; i++) {
    const port = await freePort();
    const path = join(folder.path, String(port));
    mkdirSync(path);
    const settings = [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', path, '--save', '', '--appendonly', 'yes'],
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', String(await freePort())],
    ];
    const begin = async (): Promise<Started> => {
      const started = start(needed('redis-server'), settings);
      await until(started, () => asked(port, ['PING']));
      return started;
    };
    nodes.push({ port, begin, started: await begin() });
  }
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync(needed('redis-cli'), ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes'], {
    stdio: 'pipe',
  });
  for (const { port, started } of nodes) {
    await until(started, async () => {
      const info = String(await asked(port, ['CLUSTER', 'INFO']));
      if (!info.includes('cluster_state:ok')) throw new Error(info);
    });
  }
  return {
    urls: nodes.map(({ port }) => `redis://127.0.0.1:${port}`),
    async kill(port) {
      await nodes.find((node) => node.port === port)?.started.stop('SIGKILL');
    },
    async revive(port) {
      const node = nodes.find((one) => one.port === port);
      if (node) node.started = await node.begin();
    },
    async stop() {
      // A replica that is writing its first append-only file refuses to end by SIGTERM, and forgets that it was asked.
      for (const { started } of nodes) await started.stop('SIGKILL');
      folder.remove();
    },
  };
}

async function asked(port: number, command: string[]): Promise<unknown> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
