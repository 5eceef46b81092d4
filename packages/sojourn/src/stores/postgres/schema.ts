import { randomBytes } from 'node:crypto';
import { SojournError } from '../../lifecycle/errors.ts';
import { partitions } from '../../lifecycle/token.ts';
import { commitEachFunction, commitFunction } from './commits.ts';
import { unlessTakenBack } from './failures.ts';
import { claimFunction, erasedFunction, holdFunction, loadFunction, searchPath, touchFunction } from './functions.ts';
import type { PostgresClient } from './postgres.ts';
import { beatFunction, eventsFunction, tellFunction } from './reads.ts';
import { equals } from './sql.ts';
import { weekFunctions } from './weeks.ts';

/**
 * Forward migrations of a schema; `engine.version` is how many have run. Only ever append. `due_at` is a
 * lower bound of a live session's end that the sweep corrects, so a touch moves no index, and the row
 * keeps its place on its page (`fillfactor`). Events stand in a table a week, so that to forget is to drop
 * (`weeks.ts`).
 */
const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
    CREATE TABLE ${schema}.sessions (
      id text COLLATE "C" PRIMARY KEY,
      record text NOT NULL,
      format int NOT NULL,
      data text NOT NULL,
      version int NOT NULL,
      last_seen_at bigint NOT NULL,
      idle_timeout bigint NOT NULL,
      expires_at bigint NOT NULL,
      subject text,
      state text NOT NULL,
      kind text NOT NULL,
      due_at bigint NOT NULL
    ) WITH (fillfactor = 70);
    CREATE INDEX sessions_by_subject ON ${schema}.sessions (subject, state) WHERE subject IS NOT NULL;
    CREATE INDEX sessions_by_due ON ${schema}.sessions (due_at);
    CREATE TABLE ${schema}.subjects (
      subject text PRIMARY KEY,
      stamp int NOT NULL,
      changed_at bigint,
      disabled boolean NOT NULL DEFAULT false,
      kept text
    ) WITH (fillfactor = 70);
    CREATE TABLE ${schema}.partitions (
      partition int PRIMARY KEY,
      counter bigint NOT NULL DEFAULT 0,
      forgotten bigint NOT NULL DEFAULT 0,
      anonymous int NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10);
    INSERT INTO ${schema}.partitions (partition) SELECT generate_series(0, ${partitions - 1});
    CREATE TABLE ${schema}.events (
      partition int NOT NULL,
      number bigint NOT NULL,
      at bigint NOT NULL,
      subject text,
      terminal boolean NOT NULL,
      body text NOT NULL,
      PRIMARY KEY (partition, number, at)
    ) PARTITION BY RANGE (at);
    CREATE INDEX events_by_subject ON ${schema}.events (subject) WHERE subject IS NOT NULL;
    ${commitFunction(schema)}`,
  // A ring of each partition's latest changes, for processes that remember what they have read. A crash
  // may lose it: then they forget.
  (schema) => `
    CREATE UNLOGGED TABLE ${schema}.changes (
      partition int NOT NULL,
      slot int NOT NULL,
      number bigint NOT NULL,
      mark text NOT NULL,
      at bigint NOT NULL,
      id text NOT NULL,
      PRIMARY KEY (partition, slot)
    ) WITH (fillfactor = 50);
    ${commitFunction(schema)}`,
  // A commit asks for the time once it has its locks.
  commitFunction,
  // Before, a write made the table of its week and waited for every reader of events to do so.
  (schema) => `
    ALTER TABLE ${schema}.engine ADD COLUMN forgotten_before bigint NOT NULL DEFAULT 0;
    CREATE TABLE ${schema}.events_default PARTITION OF ${schema}.events DEFAULT;
    CREATE INDEX events_default_by_at ON ${schema}.events_default (at);
    DROP FUNCTION IF EXISTS ${schema}.week(bigint);
    ${commitFunction(schema)}
    ${weekFunctions(schema)}`,
  // Plans by index, also of those that were made while the tables were empty.
  commitFunction,
  // One event that cannot be read no longer stops a purge.
  (schema) => erasedFunction(schema) + commitFunction(schema),
  // A commit leaves out what it has nothing to do for, and what it rests on is read by index.
  (schema) => commitFunction(schema) + loadFunction(schema),
  // A commit waits for an application's transaction before it holds what everybody waits for, and a touch does not.
  // All of them and the sweep go by the ids that they are about, whatever the caller's `search_path` says. What is
  // forgotten is told by the server's clock.
  (schema) =>
    [commitFunction, loadFunction, erasedFunction, touchFunction, claimFunction, weekFunctions]
      .map((made) => made(schema))
      .join(''),
  // However many locks a commit waits for, it is late in time; an application's transaction holds no session's row; and
  // what a store sends as text calls next to nothing.
  (schema) =>
    [
      commitFunction,
      commitEachFunction,
      loadFunction,
      holdFunction,
      erasedFunction,
      touchFunction,
      claimFunction,
      beatFunction,
      eventsFunction,
      tellFunction,
      weekFunctions,
    ]
      .map((made) => made(schema))
      .join(''),
];

/** Functions that no store can do without. Those of weeks another account may execute (`weeks.ts`). */
const everyAccounts = [
  'load',
  'hold',
  'commit',
  'commit_each',
  'erased',
  'touch',
  'claim',
  'beat',
  'read_events',
  'tell',
];

/** Also a word of SQL can be a name. */
export function quote(schema: string): string {
  return `"${schema}"`;
}

type Answer = Awaited<ReturnType<PostgresClient['query']>>;

/**
 * Brings a schema to this release's version, one process at a time. Throws `store_unusable` for a newer
 * release's, and for an older server.
 */
export async function migrate(client: PostgresClient, schema: string): Promise<string> {
  const run = (text: string, values: readonly unknown[] = []): Promise<Answer> =>
    unlessTakenBack(() => client.query({ text, values: [...values] }));
  const quoted = quote(schema);
  // One transaction, and the lock is its own: a pooler may give the next one another connection.
  const { rows } = await run(
    `SELECT pg_catalog.to_regclass($1)::pg_catalog.text AS engine,
      pg_catalog.current_setting('server_version_num') AS server`,
    [`${quoted}.engine`],
  );
  refuseOld(Number(rows[0]?.['server']));
  const version = rows[0]?.['engine'] === null ? 0 : await versionOf(run, quoted);
  if (version > migrations.length) {
    throw new SojournError(
      'store_unusable',
      `The schema ${schema} is of version ${version}, made by a newer release; this one knows ${migrations.length}. Start the newer release.`,
    );
  }
  if (version < migrations.length) await run(migration(schema));
  const engine = await run(
    `SELECT epoch, pg_catalog.quote_ident(current_user) AS account, EXISTS (
        SELECT FROM pg_catalog.pg_proc WHERE pronamespace ${equals} pg_catalog.to_regnamespace($1)
          AND proname ${equals} ANY ($2::pg_catalog.text[]) AND NOT pg_catalog.has_function_privilege(oid, 'EXECUTE')
      ) AS forbidden FROM ${quoted}.engine`,
    [quoted, everyAccounts],
  );
  const { epoch, account, forbidden } = engine.rows[0] ?? {};
  if (forbidden === true) {
    throw new SojournError(
      'store_unusable',
      `The account ${account} may not execute what writes: as the one that owns the schema run GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${quoted} TO ${account}; and see docs/stores.md for what later releases add.`,
    );
  }
  return String(epoch);
}

/** By its number: 150004 is 15.4. */
function refuseOld(server: number): void {
  const major = Math.floor(server / 10_000);
  if (major >= 15) return;
  throw new SojournError('store_unusable', `This is PostgreSQL ${major}; use 15 or newer.`);
}

async function versionOf(run: (text: string) => Promise<Answer>, quoted: string): Promise<number> {
  const { rows } = await run(`SELECT version FROM ${quoted}.engine`);
  return Number(rows[0]?.['version'] ?? 0);
}

/** As `ownNames`, for the transaction. */
const ownNamesHere = `SET LOCAL ${searchPath};`;

/**
 * All that is missing, as one statement: a block that looks at the version again once it has the lock. It
 * must see what was committed while it waited, which only read committed does.
 */
function migration(schema: string): string {
  const quoted = quote(schema);
  const steps = migrations.map(
    (step, index) => `
      IF present <= ${index} THEN
        EXECUTE $step$${step(quoted)}$step$;
        UPDATE ${quoted}.engine SET version = ${index + 1};
      END IF;`,
  );
  return `DO $migration$
    DECLARE present int;
    BEGIN
      ${ownNamesHere}
      IF current_setting('transaction_isolation') <> 'read committed' THEN
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        ${ownNamesHere}
      END IF;
      PERFORM pg_advisory_xact_lock(hashtext('sojourn ${schema}'));
      -- A dump that is running stops this start, not everybody's writes.
      SET LOCAL lock_timeout = '1s';
      -- IF NOT EXISTS would not see what was made while this waited, and asks for rights it does not need.
      IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') THEN
        CREATE SCHEMA ${quoted};
      END IF;
      CREATE TABLE IF NOT EXISTS ${quoted}.engine (epoch text NOT NULL, version int NOT NULL);
      INSERT INTO ${quoted}.engine
        SELECT '${randomBytes(6).toString('base64url')}', 0 WHERE NOT EXISTS (SELECT 1 FROM ${quoted}.engine);
      SELECT version INTO present FROM ${quoted}.engine;
      ${steps.join('\n')}
    END
  $migration$`;
}
