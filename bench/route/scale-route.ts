import { available, type Server, settings, startServer } from '../engines/servers.ts';
import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { type Chosen, compare, type Group, loadCore } from './turns.ts';

/* The engines of many nodes beside the embedded one: the library with and without its near cache, the floors, the peers. */

const defaultRounds = 9;

const cached = { BENCH_CACHE: 'on' };
const map = { BENCH_FLOOR: 'map' };

function ours(framework: string, servers: readonly Server[]): Chosen[] {
  const file = `${framework}-sojourn`;
  const networked = servers.flatMap(({ engine, url }): Chosen[] => [
    { name: `${file}-${engine}`, file, env: { BENCH_STORE: url } },
    { name: `${file}-${engine}-cached`, file, env: { BENCH_STORE: url, ...cached } },
  ]);
  const redis = servers
    .filter(({ engine }) => engine === 'redis')
    .map(({ url }): Chosen => {
      const floor = `${framework}-floor-redis`;
      return { name: floor, file: floor, env: { BENCH_STORE: url } };
    });
  return [
    { name: `${framework}-bare`, file: `${framework}-bare` },
    { name: `${framework}-floor-map`, file: `${framework}-floor`, env: map },
    { name: `${framework}-floor-sqlite`, file: `${framework}-floor` },
    ...redis,
    { name: `${file}-sqlite`, file },
    { name: `${file}-sqlite-cached`, file, env: cached },
    ...networked,
  ];
}

function withRedis(file: string, servers: readonly Server[]): Chosen[] {
  const redis = servers.filter(({ engine }) => engine === 'redis');
  return [
    { name: file, file },
    ...redis.map(({ url }): Chosen => ({ name: `${file}-redis`, file, env: { BENCH_STORE: url } })),
  ];
}

function groupsOf(servers: readonly Server[]): readonly Group[] {
  const betterAuth = 'fastify-better-auth';
  return [
    [
      ...ours('fastify', servers),
      ...withRedis('fastify-session', servers),
      { name: betterAuth, file: betterAuth },
      { name: `${betterAuth}-cookie-cache`, file: betterAuth, env: cached },
      { name: 'fastify-iron-session', file: 'fastify-iron-session' },
    ],
    [...ours('express', servers), ...withRedis('express-session', servers)],
  ];
}

const wanted: readonly (readonly [of: string, to: string, wanted: number])[] = [
  ...['fastify', 'express'].flatMap((name): [string, string, number][] => [
    [`${name}-sojourn-redis-cached`, `${name}-floor-map`, 0.95],
    [`${name}-sojourn-postgres-cached`, `${name}-floor-map`, 0.95],
    [`${name}-sojourn-sqlite-cached`, `${name}-floor-map`, 0.92],
    [`${name}-sojourn-redis`, `${name}-floor-redis`, 0.9],
  ]),
  ...['redis', 'postgres', 'sqlite'].flatMap((engine): [string, string, number][] => [
    [`fastify-sojourn-${engine}-cached`, 'fastify-session-redis', 3],
    [`express-sojourn-${engine}-cached`, 'express-session-redis', 1.3],
  ]),
];

export async function scaleRoute({ rounds = defaultRounds, quick }: Options): Promise<Report> {
  const { engines, notes } = available('redis', 'postgres');
  const servers: Server[] = [];
  try {
    for (const engine of engines) servers.push(await startServer(engine, loadCore));
    const groups = groupsOf(servers);
    const names = new Set(groups.flat().map(({ name }) => name));
    const report = await compare({
      groups,
      rounds,
      quick,
      floorOf: ([bare]) => bare?.name.replace('bare', 'floor-map') ?? '',
      targets: wanted.filter(([of, to]) => names.has(of) && names.has(to)),
    });
    return {
      ...report,
      notes: [
        ...notes,
        '`…-cached` is the library as it comes, else `cache: false`. The floor is the Map one; engines share the core of the load, so that a server has its own to itself. node-redis for the library, its Redis floor and connect-redis alike.',
        ...settings,
        ...report.notes,
      ],
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}
