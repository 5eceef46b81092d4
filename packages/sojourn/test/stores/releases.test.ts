import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { createClient } from 'redis';
import type { Store } from '../../src/lifecycle/ports.ts';
import { created, found, operation, writing } from '../../src/stores/contract/subject.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { Copy } from '../copy.ts';
import { code } from '../lab.ts';
import { temporary } from '../temporary.ts';
import { postgresServer } from './postgres-server.ts';
import { skipWithout } from './process.ts';
import { redisServer } from './redis-server.ts';

/*
 * An upgrade, with two releases on one store: this one, and a later one that is made of it.
 */

const copies: Copy[] = [];
after(() => {
  for (const copy of copies) copy.remove();
});

/** A later release whose records have a field more: an older one keeps what it does not know. */
function withAnotherField(): Copy {
  const copy = new Copy();
  copies.push(copy);
  copy.change('stores/wire.ts', 'return JSON.stringify(rest);', "return JSON.stringify({ added: 'later', ...rest });");
  return copy;
}

/** A later release whose records an older one would misread, and that reads the old ones. */
function withAnotherFormat(): Copy {
  const copy = new Copy();
  copies.push(copy);
  copy.change('stores/wire.ts', 'recordFormat: number = 1;', 'recordFormat: number = 2;');
  copy.change('stores/wire.ts', 'columns.format !== recordFormat', 'columns.format > recordFormat');
  return copy;
}

/** Opens one store with this release, and with one that is in a copy. */
interface Two {
  here(): Promise<Store>;
  there(copy: Copy): Promise<Store>;
  close(): Promise<void>;
}

const engines: Readonly<Record<string, { needs: readonly string[]; open: () => Promise<Two> }>> = {
  sqlite: {
    needs: [],
    async open() {
      const path = temporary('sessions.db');
      return {
        here: async () => sqlite(path),
        there: async (copy) => (await import(copy.source('stores/sqlite/sqlite.ts'))).sqlite(path),
        close: async () => {},
      };
    },
  },
  redis: {
    needs: ['redis-server'],
    async open() {
      const server = await redisServer();
      const client = createClient({ url: server.url });
      await client.connect();
      return {
        here: () => redis(client),
        there: async (copy) => (await import(copy.source('stores/redis/redis.ts'))).redis(client),
        async close() {
          client.destroy();
          await server.stop();
        },
      };
    },
  },
  postgres: {
    needs: ['initdb', 'postgres'],
    async open() {
      const server = await postgresServer();
      const pool = new pg.Pool({ connectionString: server.url });
      // Of a connection that goes with its server.
      pool.on('error', () => {});
      return {
        here: () => postgres(pool),
        there: async (copy) => (await import(copy.source('stores/postgres/postgres.ts'))).postgres(pool),
        async close() {
          await pool.end();
          await server.stop();
        },
      };
    },
  },
};

for (const [name, { needs, open }] of Object.entries(engines)) {
  const skip = skipWithout(...needs);

  test(`two releases on one store keep each other’s sessions, and what the later one added [${name}]`, {
    skip,
  }, async () => {
    const two = await open();
    const [older, later] = [await two.here(), await two.there(withAnotherField())];
    try {
      const theirs = await created(later, 'u1');
      const ours = await created(older, 'u2');
      assert.equal((await older.update(theirs.id, 1, { data: '{"n":1}' }, writing())).outcome, 'updated');
      const kept = await found(later, theirs.id);
      assert.equal(kept.data, '{"n":1}');
      assert.equal(Reflect.get(kept, 'added'), 'later');
      assert.equal((await later.update(ours.id, 1, { data: '{"n":2}' }, writing())).outcome, 'updated');
      assert.equal((await found(older, ours.id)).data, '{"n":2}');
      await older.setPermissions('u1', ['a'], { operation: operation() });
      await later.end(ours.id, { reason: 'signed_out', by: 'u2', operation: operation() });
      assert.equal((await older.endAll('u1', { reason: 'revoked', by: 'x', operation: operation() })).length, 1);
      assert.equal((await found(later, theirs.id)).ending?.reason, 'revoked');
      assert.equal((await found(older, ours.id)).ending?.reason, 'signed_out');
      const told = async (store: Store): Promise<string[]> =>
        (await store.events(null, 100)).events.map(({ event }) => `${event.sessionId} ${event.type}`);
      assert.deepEqual(await told(older), await told(later));
    } finally {
      await Promise.all([older.close(), later.close()]);
      await two.close();
    }
  });

  test(`a record that this release would misread is unknown to it, can be ended by it, and is never an empty session [${name}]`, {
    skip,
  }, async () => {
    const two = await open();
    const [older, later] = [await two.here(), await two.there(withAnotherFormat())];
    try {
      const { id } = await created(later, 'u1');
      await assert.rejects(async () => older.find(id), code('store_unavailable'));
      assert.equal((await found(later, (await created(older, 'u2')).id)).subject, 'u2');
      await older.endAll('u1', { reason: 'administrator', by: 'root', operation: operation() });
      assert.equal((await found(later, id)).ending?.reason, 'revoked');
      const terminal = (await later.events(null, 100)).events.filter(({ event }) => event.sessionId === id);
      assert.deepEqual(
        terminal.map(({ event }) => event.type),
        ['signed_in', 'terminated'],
      );
    } finally {
      await Promise.all([older.close(), later.close()]);
      await two.close();
    }
  });
}
