import type { Pool, PoolConfig } from 'pg';
import type { Store } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { replaceWhenSilent } from './silence.ts';

/** Where sessions are kept, with the connection that the server has to close after them. */
export interface Engine {
  readonly store: Store;
  close(): Promise<void>;
}

interface EngineOptions {
  /** The engine's clock, for tests. */
  readonly now?: () => number;
  /** A connection that has not answered for so many milliseconds is replaced. Default 5 s. */
  readonly silentFor?: number;
}

const defaults = { silentFor: 5000, connectTimeout: 2000 } as const;

const openers: Readonly<Record<string, (address: string, options: EngineOptions) => Promise<Engine>>> = {
  'sqlite:': async (address, options) => {
    const store = sqlite(address.slice('sqlite:'.length), options);
    return { store, close: () => store.close() };
  },
  'redis:': openRedis,
  'rediss:': openRedis,
  'postgres:': openPostgres,
  'postgresql:': openPostgres,
};

function schemeOf(address: string): string {
  return address.slice(0, address.indexOf(':') + 1);
}

/** Whether `--store` names an engine that there is. */
export function isEngine(address: string): boolean {
  const scheme = schemeOf(address);
  return scheme in openers && address.length > scheme.length;
}

/** Of an address what may be seen; of one that cannot be taken apart for certain, the scheme alone. */
export function shownAddress(address: string): string {
  const scheme = schemeOf(address);
  if (scheme === 'sqlite:') return address;
  const url = URL.parse(address);
  const after = `${url?.pathname}${url?.search}${url?.hash}`;
  // A password with a slash in it looks like a path; what is behind it gives it away.
  if (url === null || !address.startsWith(`${scheme}//`) || after.includes('@')) return `${scheme}…`;
  return `${scheme}//${url.username && `${url.username}@`}${url.host}${url.pathname}`;
}

/** Connects to the engine that `--store` names. Throws when there is none, or it may forget sessions. */
export async function openEngine(address: string, options: EngineOptions): Promise<Engine> {
  const open = openers[schemeOf(address)];
  if (open === undefined) throw new TypeError(`no engine for ${shownAddress(address)}`);
  return open(address, options);
}

// The client of an engine is loaded only where the engine is used.
async function openRedis(url: string, { silentFor = defaults.silentFor, ...options }: EngineOptions): Promise<Engine> {
  const [{ createClient }, { redis }] = await Promise.all([import('redis'), import('sojourn/redis')]);
  let connected = false;
  // At the start the first refusal is the answer; later one waits for the server to come back.
  const reconnectStrategy = (tries: number): number | false => connected && Math.min(50 * tries, 1000);
  const client = createClient({
    url,
    socket: { reconnectStrategy, connectTimeout: defaults.connectTimeout },
    // What could not be sent by then nobody waits for.
    commandOptions: { timeout: silentFor },
  });
  // Whoever calls meanwhile is told by the call.
  client.on('error', () => {});
  await client.connect();
  connected = true;
  const stop = replaceWhenSilent(client, silentFor);
  return opened(redis(client, options), async () => {
    stop();
    // Every write has been answered; a silent engine would never say goodbye.
    client.destroy();
  });
}

async function openPostgres(
  connectionString: string,
  { silentFor = defaults.silentFor, ...options }: EngineOptions,
): Promise<Engine> {
  const [{ default: pg }, { postgres }] = await Promise.all([import('pg'), import('sojourn/postgres')]);
  const poolOf = (more: PoolConfig): Pool => {
    const pool = new pg.Pool({
      connectionString,
      keepAlive: true,
      connectionTimeoutMillis: defaults.connectTimeout,
      ...more,
    });
    // Of a connection that waits in the pool; whoever calls is told by the call.
    pool.on('error', () => {});
    return pool;
  };
  // Bringing a large schema up to date takes the time it takes.
  const patient = poolOf({ max: 1 });
  await (await opened(postgres(patient, options), () => patient.end())).close();
  const pool = poolOf({ max: 10, query_timeout: silentFor });
  return opened(postgres(pool, options), () => pool.end());
}

/** A store and its connection, which is closed after it, and at once when the store refuses the engine. */
async function opened(opening: Promise<Store>, disconnect: () => Promise<unknown>): Promise<Engine> {
  try {
    const store = await opening;
    return {
      store,
      async close() {
        await store.close();
        await disconnect();
      },
    };
  } catch (error) {
    await disconnect();
    throw error;
  }
}
