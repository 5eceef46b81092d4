import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Kept, resultsFolder, rowsTable, targetsTable } from './report.ts';

/* Writes the latest results into the README, between two marks, so that the page cannot say anything else. */

const readme = new URL('./README.md', import.meta.url);
const from = '<!-- results: written by readme.ts from results/ -->';
const to = '<!-- end of results -->';
const order = ['route', 'overhead', 'sqlite', 'size'];

function section(kept: Kept): string {
  const { processor, cores, memory, kernel, loadBefore } = kept.machine;
  const versions = Object.entries(kept.versions).map(([name, version]) => `${name} ${version}`);
  const method = Object.entries(kept.method).map(([name, value]) => `${name} ${value}`);
  return [
    `### ${kept.bench}`,
    `${kept.date.slice(0, 10)}, ${processor}, ${cores} cores, ${memory}, ${kernel}, load before ${loadBefore}; ${versions.join(', ')}.`,
    targetsTable(kept),
    ['<details><summary>All figures</summary>', rowsTable(kept), '</details>'].join('\n\n'),
    kept.notes.map((note) => `- ${note}`).join('\n'),
    ...(method.length > 0 ? [`${method.join('; ')}.`] : []),
  ].join('\n\n');
}

export function writeReadme(): void {
  const sections = order
    .map((name) => new URL(`${name}.json`, resultsFolder))
    .filter((file) => existsSync(file))
    .map((file) => section(JSON.parse(readFileSync(file, 'utf8'))));
  const text = readFileSync(readme, 'utf8');
  const begin = text.indexOf(from);
  const end = text.indexOf(to);
  if (begin === -1 || end < begin) throw new Error('README.md has lost the marks between which the results stand.');
  writeFileSync(readme, `${text.slice(0, begin)}${[from, ...sections, to].join('\n\n')}${text.slice(end + to.length)}`);
}

if (import.meta.main) writeReadme();
