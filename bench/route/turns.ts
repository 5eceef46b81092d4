import { figure, ratio } from '../figures.ts';
import { Child, pins } from '../process.ts';
import { counted } from '../processor-time.ts';
import type { Report, Row, Target } from '../report.ts';
import { temporaryFolder } from '../temporary.ts';
import type { Counted, Turn } from './load.ts';
import { permissions, request, sessions } from './people.ts';
import type { Consumed, Ready } from './server.ts';
import { verify } from './verify.ts';

/*
 * The same route in front of every candidate, each a server process of its own, all of a framework
 * started before the first is measured. A turn is short, a round gives each candidate one turn, and what is reported are
 * the quotients within a round: what slows the machine for seconds slows both sides of a quotient.
 */

/** One candidate; those of one file differ by their environment. */
export interface Chosen {
  readonly name: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The first of a group is the bare route. */
export type Group = readonly Chosen[];

export interface Comparison {
  readonly groups: readonly Group[];
  readonly rounds: number;
  readonly quick: boolean;
  /** What each candidate's rate is also divided by: a floor of its group. */
  readonly floorOf: (group: Group) => string;
  /** `of ÷ to` and what is wanted of it. */
  readonly targets: readonly (readonly [of: string, to: string, wanted: number])[];
}

const connections = 32;
const leadIn = 150;
const serverCore = 0;
/** Of the load, and of the engines where there are any. */
export const loadCore = 1;

interface Pace {
  /** Milliseconds of one turn. */
  readonly duration: number;
  readonly warmUp: number;
}

const pace: Pace = { duration: 400, warmUp: 2000 };
const quickPace: Pace = { duration: 150, warmUp: 300 };

interface Measured {
  readonly rates: number[];
  /** Microseconds of the server's processor time for one answer. */
  readonly costs: number[];
  readonly busy: number[];
}

interface Server {
  readonly name: string;
  readonly child: Child;
  readonly ready: Ready;
  readonly requests: readonly Buffer[];
  readonly measured: Measured;
}

async function start({ name, file, env = {} }: Chosen, folder: string): Promise<Server> {
  const child = new Child({
    file: 'route/server.ts',
    args: [file],
    core: serverCore,
    env: { BENCH_FOLDER: folder, ...env },
  });
  const ready = await child.next<Ready>();
  await verify(name, ready);
  // A bare route is sent a cookie too: it costs the parser of HTTP the same.
  const cookies = ready.cookies.length > 0 ? ready.cookies : [`__Host-sojourn=${'A'.repeat(67)}`];
  const requests = cookies.map((cookie) => Buffer.from(request(cookie)));
  return { name, child, ready, requests, measured: { rates: [], costs: [], busy: [] } };
}

async function take(load: Child, { name, child, ready, requests, measured }: Server, duration: number): Promise<void> {
  const before = await child.ask<Consumed>({});
  const turn: Turn = { port: ready.port, requests, connections, leadIn, duration };
  const counted = await load.ask<Counted>(turn);
  const after = await child.ask<Consumed>({});
  if (counted.refused > 0) throw new Error(`${name} refused ${counted.refused} of ${counted.answers} requests.`);
  measured.rates.push(counted.rate);
  measured.costs.push((after.processor - before.processor) / counted.answers);
  measured.busy.push(counted.busy);
}

export async function compare(comparison: Comparison): Promise<Report> {
  const { folder, remove } = temporaryFolder();
  const load = new Child({ file: 'route/load.ts', core: loadCore });
  const servers: Server[] = [];
  try {
    await load.next();
    for (const group of comparison.groups) servers.push(...(await measure(group, load, folder, comparison)));
    return report(servers, comparison);
  } finally {
    await load.end();
    remove();
  }
}

/** The candidates of one framework, by turns; no other is there meanwhile. */
async function measure(group: Group, load: Child, folder: string, { rounds, quick }: Comparison): Promise<Server[]> {
  const { duration, warmUp } = quick ? quickPace : pace;
  const servers: Server[] = [];
  try {
    for (const chosen of group) servers.push(await start(chosen, folder));
    for (const server of servers) await take(load, server, warmUp);
    for (const { measured } of servers) {
      for (const values of Object.values(measured)) values.length = 0;
    }
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? servers : servers.toReversed();
      for (const server of order) await take(load, server, duration);
    }
    return servers;
  } finally {
    await Promise.all(servers.map(({ child }) => child.end()));
  }
}

/** By the requests that a second of one core's time is enough for, and by those that were answered in a second. */
function target(found: ReadonlyMap<string, Measured>, of: string, to: string, wanted: number): readonly Target[] {
  const measured = (name: string, what: 'rates' | 'costs') => figure(what, found.get(name)?.[what] ?? []);
  const by = (what: string, quotient: Target['measured']): Target => {
    return { what: `${of} ÷ ${to}, by ${what}`, wanted, bound: 'at least', unit: '', measured: quotient };
  };
  return [
    by('processor time', ratio(measured(to, 'costs'), measured(of, 'costs'))),
    by('the clock', ratio(measured(of, 'rates'), measured(to, 'rates'))),
  ];
}

function report(servers: readonly Server[], { groups, floorOf, targets, quick }: Comparison): Report {
  const found = new Map(servers.map(({ name, measured }) => [name, measured]));
  const rows = groups.flatMap((group): Row[] => {
    const bare = found.get(group[0]?.name ?? '');
    const floor = found.get(floorOf(group));
    return group.map(({ name }) => {
      const { rates = [], costs = [], busy = [] } = found.get(name) ?? {};
      const rate = figure('requests/s', rates);
      const cost = figure('µs', costs);
      return {
        what: name,
        figures: {
          'requests/s': rate,
          'of the bare route': ratio(rate, figure('requests/s', bare?.rates ?? [])),
          'of the floor': ratio(rate, figure('requests/s', floor?.rates ?? [])),
          'processor µs/request': cost,
          'of the floor by processor time': ratio(figure('µs', floor?.costs ?? []), cost),
          'load busy': figure('share of a core', busy),
        },
      };
    });
  });
  return {
    rows,
    targets: targets.flatMap(([of, to, wanted]) => target(found, of, to, wanted)),
    notes: notes(servers),
    method: {
      rounds: servers[0]?.measured.rates.length ?? 0,
      'milliseconds a turn': (quick ? quickPace : pace).duration,
      connections,
      sessions,
      permissions: permissions.length,
      'bytes of a request': servers[0]?.requests[0]?.length ?? 0,
      ...Object.fromEntries(
        servers
          .filter(({ ready }) => Number.isFinite(ready.recordBytes ?? Number.NaN))
          .map(({ name, ready }) => [`bytes of a record, ${name}`, Math.round(ready.recordBytes ?? 0)]),
      ),
    },
  };
}

function notes(servers: readonly Server[]): string[] {
  const busiest = Math.max(...servers.flatMap(({ measured }) => figure('', measured.busy).median));
  return [
    counted,
    'By the clock a fast server also waits for the load process and for whatever else runs on the machine; by processor time it does not.',
    pins
      ? `Servers on core ${serverCore}, load on core ${loadCore}.`
      : 'taskset is missing or there is one core: servers and load shared the cores, so the rates are too low.',
    ...(busiest > 0.9
      ? [
          `The load process used up to ${Math.round(busiest * 100)} % of its core: the fastest servers may have waited for it. Their cost in processor time does not depend on it.`,
        ]
      : []),
  ];
}
