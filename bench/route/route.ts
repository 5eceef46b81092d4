import type { Options } from '../options.ts';
import type { Report } from '../report.ts';
import { type Chosen, compare, type Group, type Wanted } from './turns.ts';

/* The embedded engine, SQLite: the library with and without its near cache, the floors, the peers. */

const defaultRounds = 12;

const map = { BENCH_FLOOR: 'map' };
const cached = { BENCH_CACHE: 'on' };

function groupOf(framework: string, title: string, peers: readonly string[], wanted: readonly Wanted[]): Group {
  const [bare, floor, file] = [`${framework}-bare`, `${framework}-floor`, `${framework}-sojourn`];
  return {
    title,
    chosen: [
      { name: bare, file: bare },
      { name: floor, file: floor },
      { name: file, file },
      { name: `${file}-cached`, file, env: cached },
      ...peers.map(
        (name): Chosen => ({ name, file: name.replace(/-map$/, ''), env: name.endsWith('-map') ? map : {} }),
      ),
    ],
    floor,
    wanted,
  };
}

function besideFloors(framework: string): Group {
  const [floor, ours] = [`${framework}-floor`, `${framework}-sojourn`];
  return groupOf(
    framework,
    framework,
    [`${floor}-map`],
    [
      [ours, floor, 0.85],
      [`${ours}-cached`, floor, 0.85],
    ],
  );
}

function besidePeers(framework: string, peers: readonly string[], wanted: Readonly<Record<string, number>>): Group {
  const ours = `${framework}-sojourn`;
  return groupOf(
    framework,
    `${framework}, ${peers[0]}`,
    peers,
    Object.entries(wanted).flatMap(([peer, times]): Wanted[] => [
      [ours, peer, times],
      [`${ours}-cached`, peer, times],
    ]),
  );
}

const groups: readonly Group[] = [
  ...['fastify', 'express', 'hono', 'node'].map(besideFloors),
  besidePeers('fastify', ['fastify-session', 'fastify-session-fixed'], { 'fastify-session': 2 }),
  besidePeers('fastify', ['fastify-better-auth', 'fastify-iron-session'], { 'fastify-better-auth': 10 }),
  besidePeers('express', ['express-session'], { 'express-session': 1.5 }),
];

export async function route({ rounds = defaultRounds, quick }: Options): Promise<Report> {
  const report = await compare({ groups, rounds, quick });
  return {
    ...report,
    notes: [
      '`…-sojourn` is the library without its near cache (`cache: false`), so that every request asks SQLite as the floor does; `…-sojourn-cached` is the library as it comes. `…-floor` is SQLite by hand, `…-floor-map` a Map in the process, which no other process can end a session in.',
      ...report.notes,
    ],
  };
}
