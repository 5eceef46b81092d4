import { parseArgs } from 'node:util';
import { setting } from './machine.ts';
import { overhead } from './overhead/overhead.ts';
import { writeReadme } from './readme.ts';
import { type Kept, keep, met, type Report, rowsTable, targetsTable } from './report.ts';
import { route } from './route/route.ts';
import { size } from './size/size.ts';
import { sqlite } from './sqlite/sqlite.ts';

/*
 * `node run.ts` runs every benchmark, `node run.ts sqlite size` those named. `--rounds 3` is for a
 * quick look and keeps nothing.
 */

interface Options {
  readonly rounds?: number | undefined;
}

const benches: Readonly<Record<string, (options: Options) => Promise<Report>>> = { size, overhead, sqlite, route };

const { values, positionals } = parseArgs({ options: { rounds: { type: 'string' } }, allowPositionals: true });
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const names = positionals.length > 0 ? positionals : Object.keys(benches);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

let missed = 0;
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) throw new Error(`There is no benchmark ${name}, only ${Object.keys(benches).join(', ')}.`);
  const on = setting();
  const begun = performance.now();
  const report = await bench({ rounds });
  const seconds = Math.round((performance.now() - begun) / 1000);
  const kept: Kept = { bench: name, seconds, ...on, ...report };
  console.info(`\n## ${name}, ${seconds} s\n\n${rowsTable(kept)}\n\n${targetsTable(kept)}\n`);
  for (const note of kept.notes) console.info(`- ${note}`);
  missed += kept.targets.filter((target) => !met(target)).length;
  if (rounds === undefined) keep(kept);
}
if (rounds === undefined) writeReadme();
console.info(missed === 0 ? '\nEvery target was met.' : `\n${missed} targets were missed.`);
