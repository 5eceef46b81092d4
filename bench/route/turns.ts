import { type Figure, figure, ratio } from '../figures.ts';
import { Child, pins } from '../process.ts';
import { counted } from '../processor-time.ts';
import type { Report, Row, Target } from '../report.ts';
import { temporaryFolder } from '../temporary.ts';
import type { Counted, Turn } from './load.ts';
import { permissions, request, sessions } from './people.ts';
import type { Consumed, Ready } from './server.ts';
import { verify } from './verify.ts';

/*
 * The same route in front of every candidate, each a server process of its own, all of a group started
 * before the first is measured. A turn is short, a round gives each candidate one turn, and what is reported are
 * the quotients within a round: what slows the machine for seconds slows both sides of a quotient.
 */

/** One candidate; those of one file differ by their environment. */
export interface Chosen {
  readonly name: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `of ÷ to` and what is wanted of it. */
export type Wanted = readonly [of: string, to: string, wanted: number];

/** Few at a time: a process that waits long for its turn finds its memory and the caches cold. */
export interface Group {
  readonly title: string;
  /** The first is the bare route. */
  readonly chosen: readonly Chosen[];
  /** What each candidate's rate is also divided by. */
  readonly floor?: string;
  readonly wanted: readonly Wanted[];
}

export interface Comparison {
  readonly groups: readonly Group[];
  readonly rounds: number;
  readonly quick: boolean;
}

const connections = 32;
const leadIn = 150;
/** A process has luck of its own, with its memory and with what the compiler makes of it: each candidate has as many, one after another. */
const sittings = 6;
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
  const measured: Done[] = [];
  try {
    await load.next();
    for (const group of comparison.groups) {
      const all: Server[][] = [];
      for (let i = 0; i < sittings; i++) all.push(await sit(startingWith(i, group.chosen), load, folder, comparison));
      measured.push({ group, servers: together(group, all) });
    }
    return report(measured, comparison);
  } finally {
    await load.end();
    remove();
  }
}

interface Done {
  readonly group: Group;
  readonly servers: readonly Server[];
}

/** Each sitting starts with another, for who waits longest after its start is the slower for it. */
function startingWith<T>(first: number, all: readonly T[]): readonly T[] {
  const at = first % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

/** The candidates of one group, by turns; no other is there meanwhile. */
async function sit(
  all: readonly Chosen[],
  load: Child,
  folder: string,
  { rounds, quick }: Comparison,
): Promise<Server[]> {
  const { duration, warmUp } = quick ? quickPace : pace;
  const servers: Server[] = [];
  try {
    for (const chosen of all) {
      const server = await start(chosen, folder);
      servers.push(server);
      // At once: a collection between a process's first requests and its load can make it twice as slow for its life.
      await take(load, server, warmUp);
    }
    // And again: while the others were started, V8 has given up some of what it had compiled.
    for (const server of servers) await take(load, server, warmUp / 2);
    for (const { measured } of servers) {
      for (const values of Object.values(measured)) values.length = 0;
    }
    for (let round = 0; round < rounds / sittings; round++) {
      const order = round % 2 === 0 ? servers : servers.toReversed();
      for (const server of order) await take(load, server, duration);
    }
    return servers;
  } finally {
    await Promise.all(servers.map(({ child }) => child.end()));
  }
}

/** Each candidate with its turns of all sittings. */
function together({ chosen }: Group, sittings: readonly (readonly Server[])[]): Server[] {
  return chosen.flatMap(({ name }) => {
    const all = sittings.flatMap((servers) => servers.filter((server) => server.name === name));
    const every = (what: keyof Measured): number[] => all.flatMap(({ measured }) => measured[what]);
    const [first] = all;
    return first ? [{ ...first, measured: { rates: every('rates'), costs: every('costs'), busy: every('busy') } }] : [];
  });
}

function byName(servers: readonly Server[]): (name: string | undefined, what: 'rates' | 'costs') => Figure {
  const found = new Map(servers.map(({ name, measured }) => [name, measured]));
  return (name = '', what) => figure(what === 'rates' ? 'requests/s' : 'µs', found.get(name)?.[what] ?? []);
}

/** By the requests that a second of one core's time is enough for, and by those that were answered in a second. */
function targets({ group, servers }: Done): Target[] {
  const of = byName(servers);
  return group.wanted.flatMap(([ours, other, wanted]): Target[] => {
    const by = (what: string, quotient: Figure): Target => {
      return { what: `${ours} ÷ ${other}, by ${what}`, wanted, bound: 'at least', unit: '', measured: quotient };
    };
    return [
      by('processor time', ratio(of(other, 'costs'), of(ours, 'costs'))),
      by('the clock', ratio(of(ours, 'rates'), of(other, 'rates'))),
    ];
  });
}

function rows({ group: { title, floor, chosen }, servers }: Done): Row[] {
  const of = byName(servers);
  const bare = of(chosen[0]?.name, 'rates');
  return servers.map(({ name, measured }): Row => {
    const rate = of(name, 'rates');
    const cost = of(name, 'costs');
    return {
      what: `${title}: ${name}`,
      figures: {
        'requests/s': rate,
        'of the bare route': ratio(rate, bare),
        ...(floor === undefined
          ? {}
          : {
              'of the floor': ratio(rate, of(floor, 'rates')),
              'of the floor by processor time': ratio(of(floor, 'costs'), cost),
            }),
        'processor µs/request': cost,
        'load busy': figure('share of a core', measured.busy),
      },
    };
  });
}

function report(done: readonly Done[], { quick }: Comparison): Report {
  const servers = done.flatMap((one) => one.servers);
  return {
    rows: done.flatMap(rows),
    targets: done.flatMap(targets),
    notes: notes(servers),
    method: {
      rounds: servers[0]?.measured.rates.length ?? 0,
      'milliseconds a turn': (quick ? quickPace : pace).duration,
      sittings,
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
