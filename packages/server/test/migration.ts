import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { createClient } from 'redis';
import { postgresServer } from '../../sojourn/test/stores/postgres-server.ts';
import { skipWithout } from '../../sojourn/test/stores/process.ts';
import { redisServer } from '../../sojourn/test/stores/redis-server.ts';

/** An empty engine of a test's own, as `--store` names it. */
export interface Moved {
  readonly address: string;
  /** Makes the record of a session one of a release to come. */
  spoil(id: string): Promise<void>;
}

/** Takes down what a test has begun, the last first: an engine goes after the server that uses it. */
export class Afterwards {
  readonly #steps: (() => unknown)[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      for (const step of this.#steps.reverse()) await step();
    });
  }

  after(step: () => unknown): void {
    this.#steps.push(step);
  }
}

type Begin = (afterwards: Afterwards, folder: string) => Promise<Moved>;

async function sqliteEngine(_afterwards: Afterwards, folder: string): Promise<Moved> {
  const path = join(folder, 'sessions.db');
  return {
    address: `sqlite:${path}`,
    async spoil(id) {
      const db = new DatabaseSync(path);
      assert.equal(db.prepare('UPDATE sessions SET format = 99 WHERE id = ?').run(id).changes, 1);
      db.close();
    },
  };
}

async function redisEngine(afterwards: Afterwards): Promise<Moved> {
  const server = await redisServer();
  afterwards.after(() => server.stop());
  return {
    address: server.url,
    async spoil(id) {
      const client = createClient({ url: server.url });
      await client.connect();
      // The last four characters of the head are its format.
      await client.sendCommand(['SETRANGE', `sojourn:{${id.charAt(0)}}:s:${id}`, '56', '0099']);
      await client.close();
    },
  };
}

async function postgresEngine(afterwards: Afterwards): Promise<Moved> {
  const server = await postgresServer();
  afterwards.after(() => server.stop());
  return {
    address: server.url,
    async spoil(id) {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      await client.query('UPDATE sojourn.sessions SET format = 99 WHERE id = $1', [id]);
      await client.end();
    },
  };
}

export const movedEngines: Readonly<Record<'sqlite' | 'redis' | 'postgres', Begin>> = {
  sqlite: sqliteEngine,
  redis: redisEngine,
  postgres: postgresEngine,
};

/** Why these tests cannot be run here: the engines must be there, and empty. */
export const skipMoves: string | false =
  process.env['REDIS_URL'] || process.env['DATABASE_URL']
    ? 'these tests need engines of their own'
    : skipWithout('redis-server', 'initdb', 'postgres');
