import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { account } from './postgres-server.ts';
import { freePort, needed, newFolder, start, until } from './process.ts';

/** A pooler that shares connections between transactions, before a server on loopback. */
export async function pgbouncer(server: number): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = newFolder('pgbouncer');
  const port = await freePort();
  const { uid, gid } = account();
  const configuration = join(folder.path, 'pgbouncer.ini');
  writeFileSync(
    configuration,
    [
      '[databases]',
      `postgres = host=127.0.0.1 port=${server} user=sojourn`,
      '[pgbouncer]',
      `listen_port = ${port}`,
      'listen_addr = 127.0.0.1',
      `unix_socket_dir = ${folder.path}`,
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 4',
    ].join('\n'),
  );
  for (const path of [folder.path, configuration]) if (uid !== undefined) chownSync(path, uid, gid ?? uid);
  const started = start(needed('pgbouncer'), [configuration], {
    ...(uid === undefined ? {} : { uid, gid: gid ?? uid }),
  });
  const url = `postgres://sojourn@127.0.0.1:${port}/postgres`;
  await until(started, async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.end();
  });
  return {
    url,
    async stop() {
      await started.stop();
      folder.remove();
    },
  };
}
