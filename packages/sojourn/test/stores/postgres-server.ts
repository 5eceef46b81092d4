import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import pg from 'pg';
import { freePort, needed, newFolder, type Started, start, until } from './process.ts';

/** A PostgreSQL of this test's own, or the one of DATABASE_URL. */
export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Ends it with a signal and starts it again on what it left. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as the account that its package made. */
export function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** A server of a file's own, from before its first test to after its last, and a pool on it. */
export function onOwnServer(skip: string | false, max: number, take: (pool: pg.Pool) => void): void {
  let server: PostgresServer | null = null;
  let pool: pg.Pool | null = null;
  before(async () => {
    if (skip) return;
    server = await postgresServer();
    // Nothing waits for ever: one that did would keep its test, and so the pool, from ending.
    pool = new pg.Pool({ connectionString: server.url, max, statement_timeout: 10_000 });
    // A connection that goes with its server is told by the calls that use it.
    pool.on('error', () => {});
    take(pool);
  });
  after(async () => {
    await pool?.end();
    await server?.stop();
  });
}

export async function postgresServer(...settings: readonly string[]): Promise<PostgresServer> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined) {
    const theirs = (): never => {
      throw new Error('the server of DATABASE_URL is not ours to stop');
    };
    return { url: given, port: Number(new URL(given).port), restart: theirs, stop: async () => {} };
  }
  const folder = newFolder('postgres');
  const user = account();
  const data = join(folder.path, 'data');
  mkdirSync(data, { mode: 0o700 });
  for (const path of [folder.path, data]) if (user.uid !== undefined) chownSync(path, user.uid, user.gid ?? user.uid);
  execFileSync(needed('initdb'), ['-D', data, '-A', 'trust', '-U', 'sojourn', '-N'], { ...user, stdio: 'pipe' });
  const port = await freePort();
  const options = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder.path}`, ...settings];
  const url = `postgres://sojourn@127.0.0.1:${port}/postgres`;
  const begin = async (): Promise<Started> => {
    const started = start(needed('postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], user);
    await until(started, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.end();
    });
    return started;
  };
  let started = await begin();
  return {
    url,
    port,
    async restart(signal) {
      await started.stop(signal);
      started = await begin();
    },
    async stop() {
      await started.stop('SIGINT');
      folder.remove();
    },
  };
}
