import type pg from 'pg';
import { storeContract } from '../../src/stores/contract/contract.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { onOwnServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';

const skip = skipWithout('initdb', 'postgres');
let pool: pg.Pool | null = null;
let schemas = 0;

onOwnServer(skip, 8, (made) => {
  pool = made;
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
