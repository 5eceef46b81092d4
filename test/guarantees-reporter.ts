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

/** As `skipWithout` says it. */
const notInstalled = 'not installed here';

interface Results {
  /** A test was skipped because a program is not there: what it proves is not known. */
  readonly incomplete: boolean;
  /** A guarantee and a column each. */
  readonly passed: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
  /** How the run under faults went, by engine. */
  readonly faults: ReadonlyMap<string, '✔' | '✖'>;
}

/** What a test counts for. */
function cellsOf(name: string, file: string): string[] {
  const column = columnOf(name, file);
  return column === null ? [] : named(name).map((guarantee) => `${guarantee} ${column}`);
}

async function resultsOf(source: AsyncIterable<TestEvent>): Promise<Results> {
  const passed = new Set<string>();
  const failed = new Set<string>();
  const faults = new Map<string, '✔' | '✖'>();
  let incomplete = false;
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file = '', skip, todo } = event.data;
    incomplete ||= String(skip).startsWith(notInstalled);
    if (skip !== undefined || todo !== undefined) continue;
    const [mark, cells] = event.type === 'test:pass' ? (['✔', passed] as const) : (['✖', failed] as const);
    for (const [, engine = ''] of name.matchAll(/under faults .*\[([\w ]+)\]$/g)) faults.set(engine, mark);
    for (const cell of cellsOf(name, file)) cells.add(cell);
  }
  return { passed, failed, faults, incomplete };
}

/** For `node --test --test-reporter=…`: passes nothing on and writes the page at the end of the run. */
// biome-ignore lint/style/noDefaultExport: Node takes a reporter as a module's default export.
export default async function* guarantees(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const { passed, failed, faults, incomplete } = await resultsOf(source);
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
  const page = [...introduction, ...rows, '', ...notes, '', ...underFaults(faults), ''].join('\n');
  if (existsSync(path) && readFileSync(path, 'utf8') === page) return;
  if (incomplete) {
    yield 'docs/guarantees.md is left as it is: tests were skipped for programs that are not installed here.\n';
    return;
  }
  writeFileSync(path, page);
  // On a clean tree the page says what the tests prove, or the run fails.
  if (process.env['NO_SKIP']) process.exitCode = 1;
  yield 'docs/guarantees.md was not what this run proved. It is now: commit it.\n';
}

interface Kept {
  /** In milliseconds. */
  readonly took: number;
  readonly measuredAt: string;
  readonly commit: string;
  readonly bound: number;
  readonly operations: number;
  readonly unknown: number;
  readonly ended: number;
  readonly limited: number;
  readonly longestServed: number;
  readonly longestAnswered: number;
  readonly faults: readonly string[];
}

/** What the last long run of `npm run faults` has kept, and how this run went on each engine. */
function underFaults(run: ReadonlyMap<string, string>): string[] {
  const path = join(import.meta.dirname, '../packages/sojourn/test/faults/figures.json');
  const kept: Readonly<Record<string, Kept>> = JSON.parse(readFileSync(path, 'utf8'));
  const number = (value: number): string => Math.ceil(value).toLocaleString('en');
  const span = (value: number): string => (value === 0 ? 'never' : `${number(value)} ms`);
  return [
    '## Under faults',
    '',
    'Four processes on one engine, clients that sign in, come back to any of them, write and end sessions, and faults all the while; then a checker goes over everything the clients were told (`npm run faults`; a short run with every test). Where the first column says ✔, that short run passed with the tests of this page: no ended session was served later than the bound of G7, nothing that was acknowledged was lost and nobody refused who was signed in (G3, G4, G5), no limit was exceeded at any moment (G9), and a consumer that crashed on the way read one ending of each session, in order (G11). ✖: it failed; –: it was not tried.',
    '',
    'The figures are of a longer run, kept with its date and its commit: how long after an acknowledged end a session was looked up and served at most, and the same to the answer, which has the way to the engine and back in it.',
    '',
    '| | engine | measured | for | requests | of them unknown | sessions ended | by the limit | looked up after the end and served, at most | answered, at most | bound | faults |',
    `|${'---|'.repeat(12)}`,
    ...Object.entries(kept).map(([engine, { took, measuredAt, commit, bound, faults, ...counts }]) => {
      const { operations, unknown, ended, limited, longestServed, longestAnswered } = counts;
      const load = `${number(operations)} | ${number(unknown)} | ${number(ended)} | ${number(limited)}`;
      const served = `${span(longestServed)} | ${span(longestAnswered)} | ${bound} ms`;
      const measured = `${measuredAt.slice(0, 10)}, ${commit} | ${Math.round(took / 1000)} s`;
      return `| ${run.get(engine) ?? '–'} | ${engine} | ${measured} | ${load} | ${served} | ${faults.join('; ')} |`;
    }),
  ];
}

const introduction = [
  '# Guarantees',
  '',
  'Written by the tests’ own run, not by hand: ✔ where tests proved the row, ✖ where one failed, – where nothing was tried. The tests are named after the guarantee (`grep -r "G3"` finds those of a row); an interleaving test stands for every order of two or three requests or for as many schedules of more as its title says, the model test for two thousand random lives (25 on SQLite).',
  '',
  `| | promise | ${columns.join(' | ')} |`,
  `|---|---|${columns.map(() => '---|').join('')}`,
];
