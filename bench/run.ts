import { command } from './command.ts';
import { growth } from './growth/growth.ts';
import { setting } from './machine.ts';
import { memory } from './memory/memory.ts';
import type { Options } from './options.ts';
import { overhead } from './overhead/overhead.ts';
import { writeReadme } from './readme.ts';
import { type Kept, keep, met, type Report, rowsTable, targetsTable } from './report.ts';
import { revocation } from './revocation/revocation.ts';
import { route } from './route/route.ts';
import { scaleRoute } from './route/scale-route.ts';
import { size } from './size/size.ts';
import { sqlite } from './sqlite/sqlite.ts';
import { start } from './start/start.ts';
import { storm } from './storm/storm.ts';
import { trips } from './trips/trips.ts';

const benches: Readonly<Record<string, (options: Options) => Promise<Report>>> = {
  size,
  start,
  overhead,
  sqlite,
  route,
  'scale-route': scaleRoute,
  trips,
  revocation,
  storm,
  memory,
  growth,
};

const { names, rounds, quick, json } = command(Object.keys(benches));
const keeps = rounds === undefined;
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

let missed = 0;
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) continue;
  const on = setting();
  const begun = performance.now();
  const report = await bench({ rounds, quick });
  const seconds = Math.round((performance.now() - begun) / 1000);
  const kept: Kept = { bench: name, seconds, ...on, ...report };
  if (json) console.info(JSON.stringify(kept));
  else {
    console.info(`\n## ${name}, ${seconds} s\n\n${rowsTable(kept)}\n\n${targetsTable(kept)}\n`);
    for (const note of kept.notes) console.info(`- ${note}`);
  }
  missed += kept.targets.filter((target) => !met(target)).length;
  // One by one, so that what was measured is kept when a later one is interrupted.
  if (keeps) {
    keep(kept);
    writeReadme();
  }
}
if (!json) console.info(missed === 0 ? '\nEvery target was met.' : `\n${missed} targets were missed.`);
