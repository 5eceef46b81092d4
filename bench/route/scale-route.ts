import { available, type Server, settings, startServer } from '../engines/servers.ts';
import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { type Chosen, compare, type Group, loadCore, type Wanted } from './turns.ts';

/* The engines of many nodes beside the embedded one: the library with and without its near cache, the floors, the peers. */

const defaultRounds = 24;

const cacheOn = { BENCH_CACHE: 'on' };

/** The library on an engine, as it comes (`-cached`) and without its near cache. */
function ours(framework: string, { engine, url }: Server): { cached: Chosen; plain: Chosen } {
  const file = `${framework}-sojourn`;
  // The embedded engine's file is the process's own.
  const store = engine === 'sqlite' ? {} : { BENCH_STORE: url };
  return {
    cached: { name: `${file}-${engine}-cached`, file, env: { ...store, ...cacheOn } },
    plain: { name: `${file}-${engine}`, file, env: store },
  };
}

function one(file: string, name: string = file, env: Chosen['env'] = {}): Chosen {
  return { name, file, env };
}

function groupsOf(framework: string, servers: readonly Server[], session: string, times: number): readonly Group[] {
  const bare = one(`${framework}-bare`);
  const inMap = (name: string, kind: string): Chosen =>
    one(`${framework}-floor`, `${framework}-floor-${name}`, { BENCH_FLOOR: kind });
  const floor = inMap('map', 'awaited');
  const redis = servers.filter(({ engine }) => engine === 'redis').map(({ url }) => ({ BENCH_STORE: url }));
  const floorRedis = redis.map((env) => one(`${framework}-floor-redis`, `${framework}-floor-redis`, env));
  const peer = redis.map((env) => one(session, `${session}-redis`, env));
  const candidates = servers.map((server) => ours(framework, server));
  const cached = candidates.map((candidate) => candidate.cached);
  const plain = candidates.map((candidate) => candidate.plain);
  return [
    {
      title: `${framework}, near cache`,
      chosen: [bare, floor, inMap('map-sync', 'map'), ...cached],
      floor: floor.name,
      wanted: cached.map(({ name }) => [name, floor.name, name.includes('sqlite') ? 0.92 : 0.95]),
    },
    {
      title: `${framework}, without it`,
      chosen: [bare, one(`${framework}-floor`, `${framework}-floor-sqlite`), ...floorRedis, ...plain],
      ...(floorRedis[0] ? { floor: floorRedis[0].name } : {}),
      wanted: floorRedis.map(({ name }) => [`${framework}-sojourn-redis`, name, 0.9]),
    },
    {
      title: `${framework}, ${session}`,
      chosen: [bare, one(session), ...peer, ...cached],
      wanted: peer.flatMap(({ name }) => cached.map((our): Wanted => [our.name, name, times])),
    },
  ];
}

/** Peers that keep their sessions in SQLite or in the cookie. */
function others(servers: readonly Server[]): Group {
  const betterAuth = 'fastify-better-auth';
  const sqlite = servers.filter(({ engine }) => engine === 'sqlite').map((server) => ours('fastify', server).cached);
  const peers = [one(betterAuth), one(betterAuth, `${betterAuth}-cookie-cache`, cacheOn), one('fastify-iron-session')];
  return { title: 'fastify, others', chosen: [one('fastify-bare'), ...sqlite, ...peers], wanted: [] };
}

export async function scaleRoute({ rounds = defaultRounds, quick }: Options): Promise<Report> {
  const { engines, notes } = available('sqlite', 'redis', 'postgres');
  const servers: Server[] = [];
  try {
    for (const engine of engines) servers.push(await startServer(engine, loadCore));
    const groups = [
      ...groupsOf('fastify', servers, 'fastify-session', 3),
      others(servers),
      ...groupsOf('express', servers, 'express-session', 1.3),
    ];
    const report = await compare({ groups, rounds, quick });
    return {
      ...report,
      notes: [
        ...notes,
        '`…-cached` is the library as it comes, else `cache: false`. The floor with the near cache is the Map one, whose hook is an async function and pays for its promise; `…-map-sync` is the same without one, the least that can be done. In the groups “without it” it is the Redis one (a GET, parsed and hashed). Engines share the core of the load, so that a server has its own to itself. node-redis for the library, its Redis floor and connect-redis alike.',
        ...settings,
        ...report.notes,
      ],
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}
