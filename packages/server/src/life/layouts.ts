import type { Stage } from '../events/words.ts';
import type { Position } from './path.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Label extends Point {
  readonly anchor: 'start' | 'middle';
}

interface Band extends Point {
  readonly width: number;
  readonly height: number;
  readonly heading: Point;
}

/** The ways that are drawn, named by their two ends. */
export const ways = [
  'none signed-in',
  'anonymous expired',
  'signed-in terminated',
  'none anonymous',
  'anonymous signed-in',
  'signed-in expired',
] as const;

export type Way = (typeof ways)[number];

/** One drawing of the map. */
export interface Layout {
  readonly name: 'across' | 'down';
  readonly width: number;
  readonly height: number;
  readonly bands: Readonly<Record<Stage, Band>>;
  readonly places: Readonly<Record<Position, Point>>;
  readonly labels: Readonly<Record<Position, Label>>;
  readonly ways: Readonly<Record<Way, string>>;
  /** What takes a session along a way, where there is room to say it. */
  readonly captions: readonly (Label & { readonly text: string })[];
  /** Where the marker carries its flag. */
  readonly flag: Point;
}

const columns = [0, 272, 544, 816] as const;
const column = (index: 0 | 1 | 2 | 3): Band => ({
  x: columns[index],
  y: 0,
  width: 264,
  height: 272,
  heading: { x: columns[index] + 18, y: 33 },
});

/** Side by side, where there is room. */
export const across: Layout = {
  name: 'across',
  width: 1080,
  height: 272,
  bands: { creation: column(0), tracking: column(1), expiry: column(2), termination: column(3) },
  places: {
    none: { x: 62, y: 152 },
    anonymous: { x: 194, y: 152 },
    'signed-in': { x: 404, y: 152 },
    expired: { x: 676, y: 152 },
    terminated: { x: 948, y: 152 },
  },
  labels: {
    none: { x: 62, y: 192, anchor: 'middle' },
    anonymous: { x: 194, y: 192, anchor: 'middle' },
    'signed-in': { x: 404, y: 200, anchor: 'middle' },
    expired: { x: 676, y: 216, anchor: 'middle' },
    terminated: { x: 948, y: 194, anchor: 'middle' },
  },
  ways: {
    'none signed-in': 'M62 152C62 112 84 98 124 98H340C386 98 404 116 404 152',
    'anonymous expired': 'M194 152C194 92 222 66 268 66H604C652 66 676 88 676 120V152',
    'signed-in terminated': 'M404 152H432C468 152 458 242 504 242H832C884 242 870 152 916 152H948',
    'none anonymous': 'M62 152H194',
    'anonymous signed-in': 'M194 152H404',
    'signed-in expired': 'M404 152H676',
  },
  captions: [
    { text: 'visit', x: 127, y: 142, anchor: 'middle' },
    { text: 'sign in', x: 303, y: 142, anchor: 'middle' },
    { text: 'time runs out', x: 487, y: 142, anchor: 'middle' },
    { text: 'sign out, revoked', x: 676, y: 260, anchor: 'middle' },
  ],
  flag: { x: 0, y: -24 },
};

const rows = [0, 152, 304, 456] as const;
const row = (index: 0 | 1 | 2 | 3): Band => ({
  x: 0,
  y: rows[index],
  width: 328,
  height: 144,
  heading: { x: 140, y: rows[index] + 31 },
});

/** One under the other, on narrow screens. */
export const down: Layout = {
  name: 'down',
  width: 328,
  height: 600,
  bands: { creation: row(0), tracking: row(1), expiry: row(2), termination: row(3) },
  places: {
    none: { x: 74, y: 56 },
    anonymous: { x: 74, y: 112 },
    'signed-in': { x: 74, y: 226 },
    expired: { x: 74, y: 376 },
    terminated: { x: 74, y: 530 },
  },
  labels: {
    none: { x: 140, y: 61, anchor: 'start' },
    anonymous: { x: 140, y: 117, anchor: 'start' },
    'signed-in': { x: 140, y: 231, anchor: 'start' },
    expired: { x: 140, y: 381, anchor: 'start' },
    terminated: { x: 140, y: 535, anchor: 'start' },
  },
  ways: {
    'none signed-in': 'M74 56C46 56 36 68 36 90V186C36 212 48 226 74 226',
    'anonymous expired': 'M74 112C112 112 124 126 124 152V332C124 362 110 376 74 376',
    'signed-in terminated': 'M74 226V244C74 272 22 262 22 300V462C22 500 74 484 74 512V530',
    'none anonymous': 'M74 56V112',
    'anonymous signed-in': 'M74 112V226',
    'signed-in expired': 'M74 226V376',
  },
  captions: [],
  flag: { x: 40, y: 9 },
};
