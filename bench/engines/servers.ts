import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createClient } from 'redis';
import { account } from '../../packages/sojourn/test/stores/postgres-server.ts';
import { binary, freePort, needed, newFolder, start, until } from '../../packages/sojourn/test/stores/process.ts';
import { pins } from '../process.ts';

/*
 * The engines, each a server of this benchmark's own: the system's binaries on free ports of loopback, never
 * those of REDIS_URL or DATABASE_URL, for what is asked of them is not for somebody else's.
 */

// Each server and its folder end with this process, and a benchmark has several.
process.setMaxListeners(64);

export type EngineName = 'sqlite' | 'redis' | 'postgres';

export interface Server {
  readonly engine: EngineName;
  /** For `openStore`. */
  readonly url: string;
  stop(): Promise<void>;
}

const binaries: Readonly<Record<EngineName, readonly string[]>> = {
  sqlite: [],
  redis: ['redis-server'],
  postgres: ['initdb', 'postgres'],
};

/** Settings beyond the system's own, in the words of the notes. */
export const settings: readonly string[] = [
  'Redis with an append-only file synced every second and never rewritten; PostgreSQL with 512 MB of shared buffers, synchronous commits, up to 4 GB between checkpoints, `wal_level=minimal` and `max_wal_senders=0` (so nothing that a replica or an archive would need is written); both on loopback without TLS.',
];

/** Which engines can run here, and a line for each that cannot. */
export function available(...wanted: readonly EngineName[]): { engines: EngineName[]; notes: string[] } {
  const lacks = (engine: EngineName): string[] => binaries[engine].filter((name) => binary(name) === null);
  return {
    engines: wanted.filter((engine) => lacks(engine).length === 0),
    notes: wanted
      .filter((engine) => lacks(engine).length > 0)
      .map((engine) => `SKIPPED: ${engine}, for ${lacks(engine).join(', ')} is not installed.`),
  };
}

/** `core`: keep it and all that it starts on this one, so that a measured process has the other to itself. */
export function startServer(engine: EngineName, core?: number): Promise<Server> {
  if (engine === 'redis') return startRedis(core);
  return engine === 'postgres' ? startPostgres(core) : startSqlite();
}

async function startSqlite(): Promise<Server> {
  const { path, stop } = place('sqlite');
  return { engine: 'sqlite', url: `sqlite:${join(path, 'sessions.db')}`, stop: async () => stop() };
}

async function startRedis(core?: number): Promise<Server> {
  const { path, stop } = place('redis');
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const started = onCore(core, needed('redis-server'), [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', path, '--save', '', '--appendonly', 'yes'],
    ...['--auto-aof-rewrite-percentage', '0'],
  ]);
  await until(started, async () => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    client.destroy();
  });
  return { engine: 'redis', url, stop: () => started.stop().then(stop) };
}

async function startPostgres(core?: number): Promise<Server> {
  const { path, stop } = place('postgres');
  const user = account();
  const data = join(path, 'data');
  mkdirSync(data, { mode: 0o700 });
  for (const one of [path, data]) if (user.uid !== undefined) chownSync(one, user.uid, user.gid ?? user.uid);
  execFileSync(needed('initdb'), ['-D', data, '-A', 'trust', '-U', 'sojourn', '-N'], { ...user, stdio: 'pipe' });
  const port = await freePort();
  const options = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${path}`];
  const more = [
    'shared_buffers=512MB',
    'max_wal_size=4GB',
    'max_connections=200',
    'wal_level=minimal',
    'max_wal_senders=0',
  ];
  const args = ['-D', data, ...[...options, ...more].flatMap((option) => ['-c', option])];
  const started = onCore(core, needed('postgres'), args, user);
  const url = `postgres://sojourn@127.0.0.1:${port}/postgres`;
  await until(started, async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
  });
  return { engine: 'postgres', url, stop: () => started.stop('SIGINT').then(stop) };
}

/** A folder that also goes when the process is interrupted. */
function place(engine: EngineName): { path: string; stop: () => void } {
  const { path, remove } = newFolder(`bench-${engine}`);
  const stop = (): void => {
    process.off('exit', stop);
    remove();
  };
  process.on('exit', stop);
  return { path, stop };
}

function onCore(
  core: number | undefined,
  command: string,
  args: readonly string[],
  user = {},
): ReturnType<typeof start> {
  return core !== undefined && pins
    ? start('taskset', ['-c', String(core), command, ...args], user)
    : start(command, args, user);
}
