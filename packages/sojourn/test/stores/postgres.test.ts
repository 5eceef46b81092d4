import { after, before } from 'node:test';
import pg from 'pg';
import { storeContract } from '../../src/stores/contract/contract.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { type PostgresServer, postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

const skip = skipWithout('initdb', 'postgres');
let server: PostgresServer | null = null;
let pool: pg.Pool | null = null;
let schemas = 0;

before(async () => {
  if (skip) return;
  server = await postgresServer();
  pool = new pg.Pool({ connectionString: server.url, max: 8 });
  // A connection that goes with its server is told by the calls that use it.
  pool.on('error', () => {});
});
after(async () => {
  await pool?.end();
  await server?.stop();
});

storeContract(
  'postgres',
  async (now) => {
    if (pool === null) throw new Error('no server');
    const client = pool;
    schemas += 1;
    const schema = `sojourn_${process.pid}_${schemas}`;
    const open = (): ReturnType<typeof postgres> => postgres(client, { schema, now, watchEvery: 20 });
    return { store: await open(), another: open, reopen: open };
  },
  { skip },
);
