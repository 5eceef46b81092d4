import { invalid, type SojournError } from '../../lifecycle/errors.ts';
import type { PostgresClient } from './postgres.ts';
import type { Row } from './rows.ts';

/**
 * Asks within a transaction of the application's. Its errors are the application's too: after one the transaction is
 * over. Throws `option_invalid` for what is no client of `pg`, or one that has begun no transaction.
 */
export async function askWithin(tx: unknown, text: string, values: unknown[]): Promise<readonly Row[]> {
  if (!isClient(tx) || isPool(tx)) throw noTransaction();
  const { rows } = await tx.query({ text, values });
  // Asked after it: a BEGIN that is not awaited has been sent by now. Outside of one a lock went with the answer.
  if (isIdle(tx)) throw noTransaction();
  return rows;
}

function noTransaction(): SojournError {
  return invalid('assertLive({ tx }): pass the client of pg that has begun the transaction.');
}

function isClient(tx: unknown): tx is PostgresClient {
  return typeof tx === 'object' && tx !== null && 'query' in tx && typeof tx.query === 'function';
}

/** Each of a pool's queries goes to a connection of its own. */
function isPool(client: object): boolean {
  return 'totalCount' in client;
}

/** No transaction is open, as far as the client knows: not every driver says, and an older `pg-native` throws. */
function isIdle(client: object): boolean {
  try {
    return (
      'getTransactionStatus' in client &&
      typeof client.getTransactionStatus === 'function' &&
      client.getTransactionStatus() === 'I'
    );
  } catch {
    return false;
  }
}
