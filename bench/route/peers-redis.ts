import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';

/** connect-redis where BENCH_STORE names a Redis, else nothing: the peer's own memory store. */
export async function peersStore(): Promise<{ store?: RedisStore }> {
  const url = process.env['BENCH_STORE'];
  if (url === undefined) return {};
  const client = await createClient({ url }).connect();
  return { store: new RedisStore({ client, prefix: `peer-${process.pid}:` }) };
}
