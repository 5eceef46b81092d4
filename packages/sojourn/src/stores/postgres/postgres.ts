import type { Duration } from '../../lifecycle/duration.ts';
import { invalid, SojournError } from '../../lifecycle/errors.ts';
import { flag, knownKeys } from '../../lifecycle/options.ts';
import type { Store, StoreWarning } from '../../lifecycle/ports.ts';
import { clockOf, everySoOften } from '../options.ts';
import { staged } from '../staged/staged.ts';
import { PostgresEngine } from './engine.ts';
import { isForbidden, isLocked, unquoting } from './failures.ts';
import type { PostgresHearing } from './notifications.ts';
import type { Row } from './rows.ts';
import { migrate } from './schema.ts';

/** A `pg` pool, as far as sessions need it; made and closed by the application. */
export interface PostgresClient extends PostgresHearing {
  query(statement: { name?: string; text: string; values: unknown[] }): Promise<{ readonly rows: readonly Row[] }>;
}

export interface PostgresOptions {
  /** The schema that holds everything of ours and nothing else: not `public`, nor one of PostgreSQL's. Default `sojourn`. */
  readonly schema?: string;
  /** Prepare statements by name; `false` behind a transaction pooler that cannot. Default true. */
  readonly prepare?: boolean;
  /**
   * Tell other processes of changes by NOTIFY, after the commit, and hear of theirs on a connection of the
   * pool that is kept for it. A pooler in transaction mode delivers nothing: then `false`. Default true.
   */
  readonly notify?: boolean;
  /** How often who waits for a session's end looks for changes that were not notified, 1 h at most. Default 250 ms. */
  readonly watchEvery?: Duration;
  /** The engine's clock, for tests; default its own. */
  readonly now?: () => number;
}

const defaults = { schema: 'sojourn', prepare: true, watchEvery: 250, notify: true } as const;

/** With every default in its place. */
function checkOptions(options: PostgresOptions) {
  knownKeys('postgres', options, [...Object.keys(defaults), 'now']);
  const schema = options.schema ?? defaults.schema;
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) {
    throw invalid(`postgres.schema ${schema}: use lower-case letters, digits and _.`);
  }
  if (/^(pg_.*|information_schema|public)$/.test(schema)) {
    throw invalid(`postgres.schema ${schema}: others keep things there; name one of its own, as the default sojourn.`);
  }
  return {
    schema,
    prepare: flag('postgres.prepare', options.prepare ?? defaults.prepare),
    notify: flag('postgres.notify', options.notify ?? defaults.notify),
    watchEvery: everySoOften('postgres.watchEvery', options.watchEvery ?? defaults.watchEvery),
    given: clockOf('postgres.now', options.now),
  };
}

/**
 * Sessions in PostgreSQL 15 or newer, for many nodes. Brings its schema up to date first. Throws
 * `store_unusable` with the fix for an older server or a schema of a newer release, `store_unavailable` when there
 * is no server.
 */
export async function postgres(client: PostgresClient, options: PostgresOptions = {}): Promise<Store> {
  const settings = checkOptions(options);
  if (typeof client?.query !== 'function') {
    throw invalid('postgres: pass a pool, as new Pool({ connectionString }) of pg.');
  }
  const { schema } = settings;
  return understood(schema, async () => {
    const engine = new PostgresEngine({ client, ...settings, epoch: await migrate(client, schema) });
    const sweeps = await engine.makeWeeks();
    await engine.beat(null);
    return { ...staged(engine), warnings: sweeps ? [] : [eventsKept(schema)] };
  });
}

function eventsKept(schema: string): StoreWarning {
  return {
    code: 'events_kept',
    message: `The account may not make and drop the tables of events in the schema ${schema}. Grant what docs/stores.md names, or sweep with another account: else events are kept for ever.`,
  };
}

/** What goes wrong while it is opened, in our words. */
async function understood<T>(schema: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (failure) {
    if (failure instanceof SojournError) throw failure;
    const cause = unquoting(failure);
    if (isForbidden(cause)) {
      throw new SojournError(
        'store_unusable',
        `The account may not use the schema ${schema} or bring it up to date: open it once with the account that owns it, and grant what docs/stores.md names.`,
        { cause },
      );
    }
    if (isLocked(cause)) {
      throw new SojournError(
        'store_unavailable',
        `The schema ${schema} is to be brought up to date, and somebody holds its tables, as a dump does: start again once that is done.`,
        { cause },
      );
    }
    throw new SojournError('store_unavailable', `postgres cannot be opened: ${String(cause)}`, { cause });
  }
}
