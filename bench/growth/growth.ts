import { fill, fillNote } from '../engines/fill.ts';
import { tokenOf } from '../engines/filled.ts';
import { lags, quantile } from '../engines/lag.ts';
import { type Node, shared, withNodes } from '../engines/nodes.ts';
import { available, type EngineName, settings, startServer } from '../engines/servers.ts';
import { type Figure, figure } from '../figures.ts';
import type { Options } from '../options.ts';
import type { Report, Row } from '../report.ts';
import { cell, columns } from './cells.ts';
import { heartbeats } from './heartbeats.ts';

/* The same figures at more and more sessions and nodes. */

interface Size {
  readonly sessions: readonly number[];
  /** Milliseconds of each kind of look-up and of touching. */
  readonly time: number;
  readonly signIns: number;
  readonly endings: number;
}

const full: Size = { sessions: [10_000, 100_000, 1_000_000], time: 1000, signIns: 2000, endings: 400 };
const small: Size = { sessions: [1000, 2000, 4000], time: 150, signIns: 100, endings: 40 };
const nodeCounts = [1, 2, 4];
const mostNodes = 4;
const atOnce = 32;
/** Sessions that are looked up while the store is measured, and while the cache is. */
const spread = 20_000;
const warm = 1000;

export async function growth({ quick }: Options): Promise<Report> {
  const size = quick ? small : full;
  const { engines, notes } = available('sqlite', 'redis', 'postgres');
  const rows: Row[] = [];
  for (const engine of engines) rows.push(...(await measure(engine, size)));
  return {
    rows,
    targets: [],
    notes: [
      ...notes,
      'Two cores for everything: the nodes, the engine and this process. More nodes than one share what one has to itself, so a line that stays level says that nothing else is in the way, not that nodes add nothing.',
      'Look-ups are random among up to 20,000 of the sessions, 32 at once in each node; from memory among 1,000. The lag of a revocation is until the last of the other nodes refuses, two hundred endings a second, look-ups and writes beside.',
      fillNote,
      ...settings,
    ],
    method: {
      'sign-ins of each cell': size.signIns,
      'endings of each cell': size.endings,
      'milliseconds of look-ups': size.time,
    },
  };
}

async function measure(engine: EngineName, size: Size): Promise<Row[]> {
  const server = await startServer(engine);
  try {
    const rows: Row[] = [];
    await fill(server, 0, 0);
    await withNodes(server, mostNodes, { cache: 'off' }, (asking) =>
      withNodes(server, mostNodes, {}, async (remembering) => {
        let done = 0;
        for (const sessions of size.sessions) {
          await fill(server, done, sessions);
          done = sessions;
          for (const count of nodeCounts) {
            const some = { asking: asking.slice(0, count), remembering: remembering.slice(0, count) };
            rows.push({ what: cell(engine, sessions, count), figures: await figures(some, sessions, size) });
          }
        }
      }),
    );
    rows.push(...(await heartbeats(server, size.time)));
    return rows;
  } finally {
    await server.stop();
  }
}

interface Some {
  readonly asking: readonly Node[];
  readonly remembering: readonly Node[];
}

async function figures({ asking, remembering }: Some, sessions: number, size: Size): Promise<Record<string, Figure>> {
  const { time, signIns } = size;
  const step = Math.max(1, Math.floor(sessions / spread));
  const tokens = Array.from({ length: Math.min(spread, sessions) }, (_, i) => tokenOf(i * step));
  const perSecond = async (nodes: readonly Node[], each: (node: Node, i: number) => Promise<{ perSecond: number }>) =>
    (await Promise.all(nodes.map(each))).reduce((sum, one) => sum + one.perSecond, 0);

  const asked = await perSecond(asking, (node) => node.lookUp(tokens, atOnce, time));
  const few = tokens.slice(0, warm);
  await Promise.all(remembering.map((node) => node.hold(few)));
  const remembered = await perSecond(remembering, (node) => node.lookUp(few, atOnce, time));
  const each = Math.floor(Math.min(sessions, spread) / asking.length);
  const touches = await perSecond(asking, (node, i) => node.touch(i * each, (i + 1) * each, time));
  const people = shared(names(`grown-${sessions}-${asking.length}`, signIns), asking.length);
  const begun = performance.now();
  await Promise.all(asking.map((node, i) => node.signIn(people[i] ?? [], atOnce)));
  const signedIn = (signIns / (performance.now() - begun)) * 1000;
  return {
    [columns.asked]: figure('a second', [asked]),
    [columns.remembered]: figure('a second', [remembered]),
    [columns.signIns]: figure('a second', [signedIn]),
    [columns.touches]: figure('a second', [touches]),
    ...(remembering.length > 1 ? await lagOf(remembering, sessions, size) : {}),
  };
}

async function lagOf(nodes: readonly Node[], sessions: number, { endings }: Size): Promise<Record<string, Figure>> {
  const name = `lag-${sessions}-${nodes.length}`;
  const found = (await lags(nodes, { endings, perSecond: 200, load: 200, name })).map(({ refused }) => refused);
  return {
    [columns.lagMedian]: figure('ms', [quantile(found, 0.5)]),
    [columns.lag]: figure('ms', [quantile(found, 0.99)]),
  };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}
