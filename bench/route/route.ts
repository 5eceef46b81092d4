import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { type Chosen, compare, type Group } from './turns.ts';

/* The embedded engine, SQLite: the library with and without its near cache, the floors, the peers. */

const defaultRounds = 21;

const map = { BENCH_FLOOR: 'map' };
const cached = { BENCH_CACHE: 'on' };

function ours(framework: string): Chosen[] {
  return [
    { name: `${framework}-bare`, file: `${framework}-bare` },
    { name: `${framework}-floor`, file: `${framework}-floor` },
    { name: `${framework}-floor-map`, file: `${framework}-floor`, env: map },
    { name: `${framework}-sojourn`, file: `${framework}-sojourn` },
    { name: `${framework}-sojourn-cached`, file: `${framework}-sojourn`, env: cached },
  ];
}

function peers(...files: string[]): Chosen[] {
  return files.map((file) => ({ name: file, file }));
}

const groups: readonly Group[] = [
  [
    ...ours('fastify'),
    ...peers('fastify-session', 'fastify-session-fixed', 'fastify-better-auth', 'fastify-iron-session'),
  ],
  [...ours('express'), ...peers('express-session')],
  ours('hono'),
  ours('node'),
];

export async function route({ rounds = defaultRounds, quick }: Options): Promise<Report> {
  const frameworks = ['fastify', 'express', 'hono', 'node'];
  const report = await compare({
    groups,
    rounds,
    quick,
    floorOf: ([bare]) => bare?.name.replace('bare', 'floor') ?? '',
    targets: [
      ...frameworks.flatMap((name): [string, string, number][] => [
        [`${name}-sojourn`, `${name}-floor`, 0.85],
        [`${name}-sojourn-cached`, `${name}-floor`, 0.85],
      ]),
      ['fastify-sojourn', 'fastify-session', 2],
      ['fastify-sojourn-cached', 'fastify-session', 2],
      ['fastify-sojourn', 'fastify-better-auth', 10],
      ['fastify-sojourn-cached', 'fastify-better-auth', 10],
      ['express-sojourn', 'express-session', 1.5],
      ['express-sojourn-cached', 'express-session', 1.5],
    ],
  });
  return {
    ...report,
    notes: [
      '`…-sojourn` is the library without its near cache (`cache: false`), so that every request asks SQLite as the floor does; `…-sojourn-cached` is the library as it comes. `…-floor` is SQLite by hand, `…-floor-map` a Map in the process, which no other process can end a session in.',
      ...report.notes,
    ],
  };
}
