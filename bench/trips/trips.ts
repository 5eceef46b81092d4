import { setTimeout as after } from 'node:timers/promises';
import { available, type EngineName, type Server, settings, startServer } from '../engines/servers.ts';
import { figure } from '../figures.ts';
import type { Options } from '../options.ts';
import { Child } from '../process.ts';
import type { Report, Row, Target } from '../report.ts';
import type { Consumed, Ready } from '../route/server.ts';
import { temporaryFolder } from '../temporary.ts';
import { type Asks, asksOf, type Counted } from './asks.ts';
import { steadily } from './steadily.ts';

/*
 * What one authenticated request asks of the engine, by the engine's own count. Each candidate has an
 * engine of its own, and all of them are asked at the same time and at a steady rate.
 */

interface Candidate {
  readonly what: string;
  readonly file: string;
  readonly engine: EngineName;
  readonly cache?: 'on';
  /** The most trips a request, beats aside. */
  readonly wanted?: number;
}

const candidates: readonly Candidate[] = (['redis', 'postgres'] as const).flatMap((engine) => [
  { what: `sojourn on ${engine}, with the cache`, file: 'fastify-sojourn', engine, cache: 'on', wanted: 0.02 },
  { what: `sojourn on ${engine}, without`, file: 'fastify-sojourn', engine, wanted: 1 },
]);
const peer: Candidate = { what: 'express-session with connect-redis', file: 'express-session', engine: 'redis' };

const perSecond = 1000;
/** Longer than the touch interval, so that every session is touched once. */
const fullSeconds = 66;
const quickSeconds = 3;
/** PostgreSQL's processes tell what they have counted at the latest after being idle for ten seconds. */
const untilCounted = 11_000;

interface Running {
  readonly candidate: Candidate;
  readonly server: Server;
  readonly asks: Asks;
  readonly child: Child;
  readonly ready: Ready;
}

interface Found {
  readonly requests: number;
  readonly trips: number;
  /** A second. */
  readonly beats: number;
  readonly told: string;
}

export async function trips({ quick }: Options): Promise<Report> {
  const { engines, notes } = available('redis', 'postgres');
  const chosen = [...candidates, peer].filter(({ engine }) => engines.includes(engine));
  const seconds = quick ? quickSeconds : fullSeconds;
  const { folder, remove } = temporaryFolder();
  const running: Running[] = [];
  try {
    for (const candidate of chosen) running.push(await begin(candidate, folder));
    const found = await measure(running, seconds);
    return {
      rows: running.map(({ candidate }, i) => row(candidate, found[i], seconds)),
      targets: running.flatMap(({ candidate }, i) => target(candidate, found[i])),
      notes: [
        ...notes,
        'Every session had been looked up once before counting began; then each is asked for about once a second and touched once a minute, in batches. The sweep runs as it comes, once a minute.',
        'Redis: calls by `INFO commandstats`, of those that clients send (what scripts call is not a trip). PostgreSQL: transactions by `pg_stat_database`, where a trip is a statement of its own. Beats by the library’s own count.',
        ...running.map(({ candidate }, i) => `${candidate.what}: ${found[i]?.told}.`),
        ...settings,
      ],
      method: { 'requests a second of each': perSecond, seconds },
    };
  } finally {
    await Promise.all(running.map(({ child }) => child.end()));
    for (const { asks, server } of running) {
      await asks.close();
      await server.stop();
    }
    remove();
  }
}

async function begin(candidate: Candidate, folder: string): Promise<Running> {
  const server = await startServer(candidate.engine);
  const env = { BENCH_FOLDER: folder, BENCH_STORE: server.url, ...(candidate.cache ? { BENCH_CACHE: 'on' } : {}) };
  const child = new Child({ file: 'route/server.ts', args: [candidate.file], env });
  return { candidate, server, child, ready: await child.next<Ready>(), asks: await asksOf(server) };
}

async function measure(running: readonly Running[], seconds: number): Promise<readonly Found[]> {
  const each = <T>(use: (one: Running) => Promise<T>): Promise<T[]> => Promise.all(running.map(use));
  const counted = async (): Promise<void> => {
    if (running.some(({ candidate }) => candidate.engine === 'postgres')) await after(untilCounted);
  };
  await each(({ ready }) => steadily({ ...ready, perSecond, seconds: 2 }));
  await counted();
  const before = await each(standing);
  const requests = await each(({ ready }) => steadily({ ...ready, perSecond, seconds }));
  await counted();
  const now = await each(standing);
  return running.map(({ asks }, i) => {
    const beats = (now[i]?.beats ?? 0) - (before[i]?.beats ?? 0);
    const { trips: all, told } = asks.since(before[i]?.asked ?? {}, now[i]?.asked ?? {});
    const elapsed = ((now[i]?.at ?? 0) - (before[i]?.at ?? 0)) / 1000;
    return { requests: requests[i] ?? Number.NaN, trips: all - beats, beats: beats / elapsed, told };
  });
}

async function standing({ asks, child }: Running): Promise<{ asked: Counted; beats: number; at: number }> {
  const [asked, { beats }] = await Promise.all([asks.read(), child.ask<Consumed>({})]);
  return { asked, beats, at: performance.now() };
}

function row({ what }: Candidate, found: Found | undefined, seconds: number): Row {
  const { requests = 0, trips: all = 0, beats = 0 } = found ?? {};
  return {
    what,
    figures: {
      'requests/s': figure('requests/s', [requests / seconds]),
      'trips a request': figure('trips', [all / requests]),
      'beats a second': figure('beats', [beats]),
    },
  };
}

function target({ what, wanted }: Candidate, found: Found | undefined): Target[] {
  if (wanted === undefined || found === undefined) return [];
  // To two digits: batches of touches and the sweep are a thousandth.
  const measured = figure('trips', [Number((found.trips / found.requests).toFixed(2))]);
  return [{ what: `${what}: trips a request, beats aside`, wanted, bound: 'at most', unit: '', measured }];
}
