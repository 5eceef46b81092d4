import { fill, fillNote } from '../engines/fill.ts';
import { dataBytes } from '../engines/filled.ts';
import { withNodes } from '../engines/nodes.ts';
import { available, type EngineName, type Server, settings, startServer } from '../engines/servers.ts';
import { storage } from '../engines/storage.ts';
import { type Figure, figure } from '../figures.ts';
import type { Options } from '../options.ts';
import { Child } from '../process.ts';
import type { Report, Row, Target } from '../report.ts';
import { columns, inEngine, inNode, pastRow } from './rows.ts';

/* What a session takes in the engine, and what a remembered one takes in a node. */

interface Size {
  /** Signed in by the library itself. */
  readonly real: number;
  readonly filled: readonly number[];
}

const full: Size = { real: 10_000, filled: [100_000, 1_000_000] };
const small: Size = { real: 500, filled: [2000, 5000] };
const cacheBytes = 8 * 2 ** 30;
const nodeOptions = ['--expose-gc', '--max-old-space-size=12288'];
/** Its own estimate of what it holds may be off by so much. */
const estimateOff = 0.15;

interface Found {
  readonly engine: EngineName;
  readonly rows: Row[];
  readonly targets: Target[];
}

export async function memory({ quick }: Options): Promise<Report> {
  const size = quick ? small : full;
  const { engines, notes } = available('sqlite', 'redis', 'postgres');
  const found: Found[] = [];
  for (const engine of engines) found.push(await measure(engine, size));
  return {
    rows: found.flatMap(({ rows }) => rows),
    targets: found.flatMap(({ targets }) => targets),
    notes: [
      ...notes,
      'Bytes of an engine: all that a signed-in session with its data, its indexes, its subject and its event takes. Redis: `used_memory`; PostgreSQL: tables and indexes after a vacuum; SQLite: the file.',
      'What an ended session leaves: its tombstone for a day, and for 28 days two events (its sign-in and its ending) with their indexes, fifty sessions of each subject; measured by ending as many as were signed in and sweeping a day later by the engine’s clock.',
      fillNote,
      'Bytes of an entry: the growth of the heap after full collections, by the number of entries. A record read from another engine keeps other text alive, hence one row an engine. The collections are those of `gc()`, which stop the process for all of it.',
      ...settings,
    ],
    method: { 'bytes of data': dataBytes, 'sessions signed in by the library': size.real },
  };
}

async function measure(engine: EngineName, { real, filled }: Size): Promise<Found> {
  const found: Found = { engine, rows: [], targets: [] };
  found.rows.push(await signedIn(engine, real), await past(engine, real));
  const server = await startServer(engine);
  try {
    let done = 0;
    await fill(server, 0, 0);
    const empty = await storage(server);
    for (const sessions of filled) {
      await fill(server, done, sessions);
      done = sessions;
      const bytes = ((await storage(server)) - empty) / sessions;
      found.rows.push(row(inEngine(engine, sessions), { [columns.session]: figure('bytes', [bytes]) }));
      // Reading a million from PostgreSQL takes a minute and tells nothing new.
      if (engine !== 'postgres' || sessions === filled[0]) await remembered(server, sessions, found);
    }
    return found;
  } finally {
    await server.stop();
  }
}

function row(what: string, figures: Readonly<Record<string, Figure>>): Row {
  return { what, figures };
}

/** Without any short cut. */
async function signedIn(engine: EngineName, count: number): Promise<Row> {
  const server = await startServer(engine);
  try {
    await fill(server, 0, 0);
    const empty = await storage(server);
    // Once they have gone, what nodes themselves take in the engine has too.
    await withNodes(server, 2, {}, (nodes) =>
      Promise.all(
        nodes.map((node, i) =>
          node.signInWithText(
            Array.from({ length: count / nodes.length }, (_, user) => `real-${i}-${String(user).padStart(8, '0')}`),
            16,
          ),
        ),
      ),
    );
    const bytes = ((await storage(server)) - empty) / count;
    const what = `${inEngine(engine, count)}, signed in by the library`;
    return row(what, { [columns.session]: figure('bytes', [bytes]) });
  } finally {
    await server.stop();
  }
}

/** A tombstone for a day, and two events for 28. */
async function past(engine: EngineName, count: number): Promise<Row> {
  const server = await startServer(engine);
  const child = new Child({ file: 'memory/past.ts', args: [server.url, String(count)] });
  try {
    await child.next();
    const empty = await storage(server, true);
    await child.ask({});
    await child.ask({});
    const ended = await storage(server, true);
    await child.ask({});
    const swept = await storage(server, true);
    return row(pastRow(engine), {
      [columns.tombstone]: figure('bytes', [(ended - swept) / count]),
      [columns.events]: figure('bytes', [(swept - empty) / count]),
    });
  } finally {
    await child.end();
    await server.stop();
  }
}

async function remembered(server: Server, sessions: number, { engine, rows, targets }: Found): Promise<void> {
  await withNodes(server, 1, { cache: cacheBytes, nodeOptions }, async ([node]) => {
    if (node === undefined) throw new Error('No node was started.');
    // The first look-ups only find out where the engine stands.
    await node.holdFilled(1000);
    const before = await node.size();
    await node.holdFilled(sessions);
    const { heap, rss, pauses, entries, estimated } = await node.size();
    if (entries < sessions) throw new Error(`The cache holds ${entries} of ${sessions} sessions.`);
    const bytes = figure('bytes', [(heap - before.heap) / (entries - before.entries)]);
    const what = inNode(engine, sessions);
    rows.push(
      row(what, {
        [columns.entry]: bytes,
        'by its own estimate': figure('bytes', [estimated / entries]),
        'a full collection, ms': figure('ms', pauses),
        'resident, MB': figure('MB', [rss / 1e6]),
      }),
    );
    const off = figure('', [estimated / entries / bytes.median]);
    const target = (bound: Target['bound'], wanted: number): Target => {
      return { what: `${what}: its own estimate ÷ measured`, wanted, bound, unit: '', measured: off };
    };
    targets.push(target('at least', 1 - estimateOff), target('at most', 1 + estimateOff));
  });
}
