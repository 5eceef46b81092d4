import { after, before } from 'node:test';
import { storeContract } from '../../src/stores/contract/contract.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';

/** A server, and the clients that applications may have for it, by the name of their run of the contract. */
export interface Clients {
  readonly clients: Readonly<Record<string, { readonly client: RedisClient; readonly close: () => unknown }>>;
  stop(): Promise<void>;
}

/** The contract of a store, once through each of the named clients. */
export function contractThrough(names: readonly string[], skip: string | false, serve: () => Promise<Clients>): void {
  let served: Clients | null = null;
  let prefixes = 0;

  before(async () => {
    if (!skip) served = await serve();
  });
  after(async () => {
    for (const { close } of Object.values(served?.clients ?? {})) await close();
    await served?.stop();
  });

  for (const name of names) {
    storeContract(
      name,
      async (now) => {
        const given = served?.clients[name];
        if (given === undefined) throw new Error(`no client ${name}`);
        prefixes += 1;
        const prefix = `sojourn-${process.pid}-${prefixes}`;
        const open = (): ReturnType<typeof redis> => redis(given.client, { prefix, now, watchEvery: 20 });
        return { store: await open(), another: open, reopen: open };
      },
      { skip },
    );
  }
}
