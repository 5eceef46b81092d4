import { type Lag, type LagOptions, lags, quantile } from '../engines/lag.ts';
import { withNodes } from '../engines/nodes.ts';
import { available, type EngineName, settings, startServer } from '../engines/servers.ts';
import { figure } from '../figures.ts';
import type { Options } from '../options.ts';
import type { Report, Row, Target } from '../report.ts';

/* How long an ended session lives on in the memory of other nodes, with four nodes under load. */

const nodes = 4;
const rounds = 10;
const bound = 1000;
const full = { endings: 10_000, perSecond: 250, load: 1000 };
const small = { endings: 400, perSecond: 200, load: 100 };

export async function revocation({ quick }: Options): Promise<Report> {
  const { engines, notes } = available('sqlite', 'redis', 'postgres');
  const size = quick ? small : full;
  const found = new Map<EngineName, readonly Lag[]>();
  for (const engine of engines) found.set(engine, await measure(engine, { ...size, name: 'ended' }));
  return {
    rows: [...found].map(([engine, all]) => row(engine, all)),
    targets: [...found].flatMap(([engine, all]) => targets(engine, all)),
    notes: [
      ...notes,
      'From the acknowledgement of the ending in one node until the last of the other three, which held the session in memory, refused it; each looks every millisecond, which is in the figure. A lag of 0: refused before the acknowledgement arrived. *Still served*: until the last look-up that found the session live was asked; what is longer beside it is waiting for an engine that is asked instead.',
      'The nodes, the engine and this process share the machine’s cores; the nodes serve look-ups and writes of other sessions meanwhile.',
      ...settings,
    ],
    method: {
      nodes,
      endings: size.endings,
      'endings a second': size.perSecond,
      'look-ups a second of each node beside': size.load,
      'cache bound, ms': bound,
    },
  };
}

async function measure(engine: EngineName, options: LagOptions): Promise<readonly Lag[]> {
  const server = await startServer(engine);
  try {
    return await withNodes(server, nodes, {}, (started) => lags(started, options));
  } finally {
    await server.stop();
  }
}

/** In the order of the endings. */
function perRound(all: readonly Lag[], of: keyof Lag, share: number): number[] {
  const each = Math.ceil(all.length / rounds);
  return Array.from({ length: rounds }, (_, round) =>
    quantile(
      all.slice(round * each, (round + 1) * each).map((one) => one[of]),
      share,
    ),
  );
}

/** The worst that was seen. */
function worst(all: readonly Lag[], of: keyof Lag): number {
  return Math.max(...all.map((one) => one[of]));
}

function row(engine: EngineName, all: readonly Lag[]): Row {
  return {
    what: `${engine}, four nodes`,
    figures: {
      'p50, ms': figure('ms', perRound(all, 'refused', 0.5)),
      'p99, ms': figure('ms', perRound(all, 'refused', 0.99)),
      'worst, ms': figure('ms', [worst(all, 'refused')]),
      'still served, p50, ms': figure('ms', perRound(all, 'served', 0.5)),
      'still served, p99, ms': figure('ms', perRound(all, 'served', 0.99)),
      'still served, worst, ms': figure('ms', [worst(all, 'served')]),
    },
  };
}

function targets(engine: EngineName, all: readonly Lag[]): Target[] {
  const most = (what: string, wanted: number, value: number): Target => {
    return { what: `${engine}: ${what}`, wanted, bound: 'at most', unit: 'ms', measured: figure('ms', [value]) };
  };
  const refused = all.map((one) => one.refused);
  return [
    most('lag of a revocation, p99', 5, quantile(refused, 0.99)),
    most(
      'still served, p99',
      5,
      quantile(
        all.map((one) => one.served),
        0.99,
      ),
    ),
    most('worst', bound, worst(all, 'refused')),
    most('still served, worst', bound, worst(all, 'served')),
  ];
}
