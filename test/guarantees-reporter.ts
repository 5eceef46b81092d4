import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/*
 * A reporter that turns the results of a run into docs/guarantees.md: a row a guarantee, a column for
 * each place it was proved, from the titles of the tests that passed. A test whose title begins with
 * `G3:` (or `G1–G11:`, or `G3 G4:`) or says `(G3)` counts for those guarantees, under the `[engine]` it
 * ends with (`[sqlite, by turns in two processes]`).
 */
const promises: Readonly<Record<string, string>> = {
  G1: '**unguessable**: 256 random bits, public id apart from the secret, only hashes stored',
  G2: '**no fixation**: an invented value is never adopted; each sign-in or step-up ends the token before',
  G3: '**no resurrection**: nothing in flight brings an ended session back',
  G4: '**no lost update**: two requests that change one session both keep their change',
  G5: '**committed first**: nothing is acknowledged before it is durable',
  G6: '**two clocks**: idle and absolute limit on every session, checked at every lookup',
  G7: '**revocation bound**: an ended session is refused everywhere within a declared bound',
  G8: '**unknown is not absent**: a store that errs or hangs is 503 in time, never a visitor',
  G9: '**atomic limits**: the most sessions of a subject holds under parallel sign-ins',
  G10: '**permissions are current**: what is taken away bites at the next request',
  G11: '**one ending, recorded**: exactly one terminal event, ordered and resumable',
  G12: '**connections end too**: what waits on a session learns of its end',
  G13: '**rotation is safe**: an honest client is never signed out, a copy is found',
  G14: '**anonymous on a budget**: reading costs nothing, visitors displace nobody',
  G15: '**secrets stay in**: no token in a log, event, list, error or page',
  G16: '**never silent**: insecure or impossible configuration stops at start, no cookie is dropped without a word',
  G17: '**not after the end**: who was admitted before the end is refused once their body has been read',
};

/** What a promise rests on besides, by row and column. */
const conditions: Readonly<Record<string, string>> = {
  'G7 redis':
    'not under a network split unless `min-replicas-to-write` and `min-replicas-max-lag` are set, which the store looks for when it is opened ([stores](stores.md))',
};

const frameworks = ['express', 'fastify', 'hono', 'node', 'fetch'];
const engines = ['memory', 'sqlite', 'redis', 'postgres'] as const;
const columns = [...engines, 'frameworks', 'server'] as const;
type Column = (typeof columns)[number];

/** The guarantees that a title names: `G3: …`, `G3 G4: …`, `G1–G11: …`, `… (G6, G11)`. */
function named(title: string): string[] {
  const head = /^((?:G\d+[ –]*)+):/.exec(title)?.[1] ?? '';
  const places = [head, ...(title.match(/\([^)]*\bG\d[^)]*\)/g) ?? [])].join(' ');
  return [...places.matchAll(/\bG(\d+)(?:–G(\d+))?/g)].flatMap(([, from, to]) => {
    const first = Number(from);
    const last = Number(to ?? from);
    return Array.from({ length: last - first + 1 }, (_, i) => `G${first + i}`);
  });
}

function columnOf(title: string, file: string): Column | null {
  const tag = /\[([\w ]+)(?:, [^\]]*)?\]$/.exec(title)?.[1] ?? '';
  if (frameworks.includes(tag)) return 'frameworks';
  // `ioredis` and `redis cluster` are Redis too, `pglite` is PostgreSQL.
  const engine = engines.find((name) => tag.includes(name)) ?? (tag === 'pglite' ? 'postgres' : null);
  if (engine !== null) return engine;
  if (/packages\/server|end-to-end/.test(file)) return 'server';
  return /packages\/sojourn/.test(file) ? 'memory' : null;
}

/** For `node --test --test-reporter=…`: passes nothing on and writes the page at the end of the run. */
// biome-ignore lint/style/noDefaultExport: Node takes a reporter as a module's default export.
export default async function* guarantees(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const passed = new Set<string>();
  const failed = new Set<string>();
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file = '', skip, todo } = event.data;
    const column = columnOf(name, file);
    if (column === null || skip !== undefined || todo !== undefined) continue;
    for (const guarantee of named(name)) (event.type === 'test:pass' ? passed : failed).add(`${guarantee} ${column}`);
  }
  const cell = (guarantee: string, column: Column): string => {
    const key = `${guarantee} ${column}`;
    if (failed.has(key)) return '✖';
    if (!passed.has(key)) return '–';
    return key in conditions ? `✔ ${Object.keys(conditions).indexOf(key) + 1})` : '✔';
  };
  const rows = Object.entries(promises).map(
    ([guarantee, promise]) =>
      `| **${guarantee}** | ${promise} | ${columns.map((column) => cell(guarantee, column)).join(' | ')} |`,
  );
  const path = join(import.meta.dirname, '../docs/guarantees.md');
  const notes = Object.values(conditions).map((condition, i) => `${i + 1}) ${condition}`);
  const page = [...introduction, ...rows, '', ...notes, '', ...underFaults(), ''].join('\n');
  if (existsSync(path) && readFileSync(path, 'utf8') === page) return;
  writeFileSync(path, page);
  // On a clean tree the page says what the tests prove, or the run fails.
  if (process.env['NO_SKIP']) process.exitCode = 1;
  yield 'docs/guarantees.md was not what this run proved. It is now: commit it.\n';
}

interface Kept {
  readonly seconds: number;
  readonly bound: number;
  readonly operations: number;
  readonly unknown: number;
  readonly ended: number;
  readonly longestServed: number;
  readonly faults: readonly string[];
}

/** What the last long run of `npm run faults` has kept. */
function underFaults(): string[] {
  const path = join(import.meta.dirname, '../packages/sojourn/test/faults/figures.json');
  const kept: Readonly<Record<string, Kept>> = JSON.parse(readFileSync(path, 'utf8'));
  const number = (value: number): string => Math.ceil(value).toLocaleString('en');
  return [
    '## Under faults',
    '',
    'Four processes on one engine, clients that sign in, come back to any of them, write and end sessions, and faults all the while; a checker over everything the clients were told (`npm run faults`, a short run with every test). An ended session was served after its end was acknowledged for so long at most, against the bound of G7; nothing that was acknowledged was lost (G3, G4, G5), no limit was exceeded (G9), and a consumer that crashed on the way read one ending of each session, in order (G11).',
    '',
    '| engine | for | requests | of them unknown | sessions ended | served after the end, at most | bound | faults |',
    '|---|---|---|---|---|---|---|---|',
    ...Object.entries(kept).map(
      ([engine, { seconds, operations, unknown, ended, longestServed, bound, faults }]) =>
        `| ${engine} | ${seconds} s | ${number(operations)} | ${number(unknown)} | ${number(ended)} | ${longestServed === 0 ? 'never' : `${number(longestServed)} ms`} | ${bound} ms | ${faults.join('; ')} |`,
    ),
  ];
}

const introduction = [
  '# Guarantees',
  '',
  'Written by the tests’ own run, not by hand: ✔ where tests proved the row, ✖ where one failed, – where nothing was tried. The tests are named after the guarantee (`grep -r "G3"` finds those of a row); an interleaving test stands for ten thousand schedules, a model test for two thousand random lives.',
  '',
  `| | promise | ${columns.join(' | ')} |`,
  `|---|---|${columns.map(() => '---|').join('')}`,
];
