import { quantile } from '../engines/lag.ts';
import { type Node, shared, withNodes } from '../engines/nodes.ts';
import { available, type EngineName, type Server, settings, startServer } from '../engines/servers.ts';
import { figure } from '../figures.ts';
import type { Options } from '../options.ts';
import { measured, type Report, type Row, type Target } from '../report.ts';
import { blockedBy } from './blocked.ts';

/* Very many at once: one user signing in a thousand times, one user's thousand sessions ended, 50,000 users signing in. */

interface Size {
  readonly atOnce: number;
  readonly endings: number;
  readonly endingRounds: number;
  readonly users: number;
}

const full: Size = { atOnce: 1000, endings: 1000, endingRounds: 3, users: 50_000 };
const small: Size = { atOnce: 200, endings: 200, endingRounds: 2, users: 1000 };
const limit = 5;
const nodes = 4;
const usersAtOnce = 64;

interface Found {
  readonly engine: EngineName;
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
}

export async function storm({ quick }: Options): Promise<Report> {
  const size = quick ? small : full;
  const { engines, notes } = available('sqlite', 'redis', 'postgres');
  const found: Found[] = [];
  for (const engine of engines) found.push(await measure(engine, size));
  return {
    rows: found.flatMap(({ rows }) => rows),
    targets: found.flatMap(({ targets }) => targets),
    notes: [
      ...notes,
      `One user: ${size.atOnce.toLocaleString('en')} sign-ins begun at once in four nodes, with the library’s own deadline of 2 s: who was not answered within it was told that nobody knows (503). How many are left is counted once all is quiet, on the engine.`,
      'Blocked: the longest that another client waited while the sessions were ended; the same without endings stands beside, for the machine’s own pauses are in both. Redis is held to its own count (`SLOWLOG`: how long one command kept all others waiting), the others to another client’s read of a session by its id, which waits for no writer there, and beside it to how much longer than without endings the longest sign-in of another user took: one client signs users of the same partition in, one after another.',
      ...settings,
    ],
    method: {
      nodes,
      'sign-ins of one user at once': size.atOnce,
      limit,
      'sessions of one user ended': size.endings,
      users: size.users,
      'signing in at once': usersAtOnce,
    },
  };
}

async function measure(engine: EngineName, size: Size): Promise<Found> {
  const server = await startServer(engine);
  try {
    const one = await oneUser(server, size);
    const ended = await manyEnded(server, size);
    const many = await manyUsers(server, size);
    const parts = [one, ended, many];
    return {
      engine,
      rows: parts.flatMap(({ rows }) => rows),
      targets: parts.flatMap(({ targets }) => targets),
    };
  } finally {
    await server.stop();
  }
}

type Part = Omit<Found, 'engine'>;

function row(engine: EngineName, what: string, unit: string, values: readonly number[]): Row {
  return { what: `${engine}: ${what}`, figures: { [measured]: figure(unit, values) } };
}

function oneUser(server: Server, { atOnce }: Size): Promise<Part> {
  const { engine } = server;
  return withNodes(server, nodes, { limit }, async (started) => {
    const subjects = shared(Array<string>(atOnce).fill('everywhere-at-once'), nodes);
    const begun = performance.now();
    const answers = await Promise.all(started.map((node, i) => node.signIn(subjects[i] ?? [], atOnce)));
    const milliseconds = performance.now() - begun;
    const left = await quiet(started);
    const refused = answers.reduce((sum, { failed }) => sum + failed, 0);
    const target = (bound: Target['bound']): Target => {
      const what = `${engine}: left of ${atOnce} sign-ins of one user at once, limit ${limit}`;
      return { what, wanted: limit, bound, unit: 'sessions', measured: figure('sessions', [left]) };
    };
    return {
      rows: [
        row(engine, `${atOnce} sign-ins of one user at once: left`, 'sessions', [left]),
        row(engine, `${atOnce} sign-ins of one user at once: time`, 'ms', [milliseconds]),
        row(engine, `${atOnce} sign-ins of one user at once: not answered within the deadline`, 'sign-ins', [refused]),
      ],
      targets: [target('at most'), target('at least')],
    };
  });
}

/** What was not answered in time may still be written: until the engine says the same for a second. */
async function quiet([node]: readonly Node[]): Promise<number> {
  const live = async (): Promise<number> => (await node?.devices('everywhere-at-once')) ?? Number.NaN;
  let last = Number.NaN;
  let same = 0;
  while (same < 5) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = await live();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

function manyEnded(server: Server, { endings, endingRounds }: Size): Promise<Part> {
  const { engine } = server;
  return withNodes(server, 1, {}, async ([node]) => {
    if (node === undefined) throw new Error('No node was started.');
    const rounds: Awaited<ReturnType<typeof blockedBy>>[] = [];
    for (let round = 0; round < endingRounds; round++) {
      const subject = `many-devices-${round}`;
      const { failed } = await node.signIn(Array<string>(endings).fill(subject), 8);
      if (failed > 0) throw new Error(`${failed} of ${endings} sign-ins of one user failed.`);
      rounds.push(await blockedBy(server, subject, async () => (await node.endAll(subject)).milliseconds));
    }
    const names = [...new Set(rounds.flatMap(({ waits }) => Object.keys(waits)))];
    const of = (name: string): number[] => rounds.map(({ waits }) => waits[name] ?? Number.NaN);
    const decisive = names[0] ?? '';
    const what = `${engine}: ending ${endings} sessions of one user: ${decisive}`;
    const target = (of: string, values: readonly number[]): Target => {
      return { what: of, wanted: 10, bound: 'at most', unit: 'ms', measured: figure('ms', values) };
    };
    const longer = rounds.flatMap(({ signInLonger }) => signInLonger ?? []);
    const signIns = `${engine}: the longest sign-in of another user meanwhile, over the longest without endings`;
    return {
      rows: [
        row(
          engine,
          `ending ${endings} sessions of one user: time`,
          'ms',
          rounds.map(({ milliseconds }) => milliseconds),
        ),
        ...names.map((name) => row(engine, `ending ${endings} sessions of one user: ${name}`, 'ms', of(name))),
      ],
      targets: [target(what, of(decisive)), ...(longer.length > 0 ? [target(signIns, longer)] : [])],
    };
  });
}

function manyUsers(server: Server, { users }: Size): Promise<Part> {
  const { engine } = server;
  return withNodes(server, nodes, {}, async (started) => {
    const names = Array.from({ length: users }, (_, i) => `storm-${i}`);
    const parts = shared(names, nodes);
    const begun = performance.now();
    const answers = await Promise.all(started.map((node, i) => node.signIn(parts[i] ?? [], usersAtOnce / nodes)));
    const seconds = (performance.now() - begun) / 1000;
    const latencies = answers.flatMap((one) => one.latencies);
    const failed = answers.reduce((sum, one) => sum + one.failed, 0);
    const what = `${users.toLocaleString('en')} users signing in`;
    return {
      rows: [
        row(engine, `${what}: throughput`, 'a second', [latencies.length / seconds]),
        row(engine, `${what}: p50`, 'ms', [quantile(latencies, 0.5)]),
        row(engine, `${what}: p99`, 'ms', [quantile(latencies, 0.99)]),
        row(engine, `${what}: not answered within the deadline`, 'sign-ins', [failed]),
      ],
      targets: [],
    };
  });
}
