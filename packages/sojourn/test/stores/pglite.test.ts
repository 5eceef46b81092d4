import { PGlite } from '@electric-sql/pglite';
import { storeContract } from '../../src/stores/contract/contract.ts';
import { type PostgresClient, postgres } from '../../src/stores/postgres/postgres.ts';

/* PGlite is PostgreSQL in this process: it proves the SQL where there is no server. */

function clientOf(db: PGlite): PostgresClient {
  return { query: ({ text, values }) => db.query<Record<string, unknown>>(text, values) };
}

const db = new PGlite();
let schemas = 0;

storeContract('pglite', async (now) => {
  schemas += 1;
  const client = clientOf(db);
  const schema = `sojourn_${schemas}`;
  const open = (): ReturnType<typeof postgres> => postgres(client, { schema, now, watchEvery: 20 });
  return { store: await open(), another: open };
});
