import { createClient } from 'redis';
import { freePort, needed, newFolder, type Started, start, until } from './process.ts';

/** A Redis of this test's own, or the one of REDIS_URL. */
export interface RedisServer {
  readonly url: string;
  /** Ends it with a signal and starts it again on what it left. */
  restart(signal: NodeJS.Signals): Promise<void>;
  /** SIGSTOP and SIGCONT: to the others it is as if the network had gone. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function redisServer(...settings: readonly string[]): Promise<RedisServer> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined) {
    const theirs = (): never => {
      throw new Error('the server of REDIS_URL is not ours to stop');
    };
    return { url: given, restart: theirs, signal: theirs, stop: async () => {} };
  }
  return serverOf('redis-server', settings);
}

/** Valkey takes the same settings. */
export async function serverOf(
  name: 'redis-server' | 'valkey-server',
  settings: readonly string[] = [],
): Promise<RedisServer> {
  const folder = newFolder('redis');
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const begin = async (): Promise<Started> => {
    const started = start(needed(name), [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--appendonly', 'yes'],
      // Else a replica that still writes its first append-only file does not end.
      ...['--shutdown-on-sigterm', 'force'],
      ...settings,
    ]);
    await until(started, async () => {
      const client = createClient({ url, socket: { reconnectStrategy: false } });
      client.on('error', () => {});
      try {
        await client.connect();
        // Refused while it reads what it left.
        await client.ping();
      } finally {
        if (client.isOpen) client.destroy();
      }
    });
    return started;
  };
  let started = await begin();
  return {
    url,
    async restart(signal) {
      await started.stop(signal);
      started = await begin();
    },
    signal: (signal) => void started.child.kill(signal),
    async stop(signal?: NodeJS.Signals) {
      await started.stop(signal);
      folder.remove();
    },
  };
}
