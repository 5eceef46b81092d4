import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { capacityPage } from './capacity/page.ts';
import { growthPlot } from './growth/plot.ts';
import { type Kept, resultsFolder, rowsTable, targetsTable } from './report.ts';

/*
 * Writes the latest results into the README, between two marks, so that the page cannot say anything else;
 * what grows also as a plot, and what follows from it as `docs/capacity.md`.
 */

const readme = new URL('./README.md', import.meta.url);
const capacity = new URL('../docs/capacity.md', import.meta.url);
const from = '<!-- results: written by readme.ts from results/ -->';
const to = '<!-- end of results -->';
const order = [
  'route',
  'scale-route',
  'trips',
  'revocation',
  'storm',
  'memory',
  'growth',
  'overhead',
  'sqlite',
  'start',
  'size',
];

function section(kept: Kept): string {
  const { processor, cores, memory, kernel, loadBefore } = kept.machine;
  const versions = Object.entries(kept.versions).map(([name, version]) => `${name} ${version}`);
  const method = Object.entries(kept.method).map(([name, value]) => `${name} ${value}`);
  return [
    `### ${kept.bench}`,
    `${kept.date.slice(0, 10)}, ${processor}, ${cores} cores, ${memory}, ${kernel}, load before ${loadBefore}; ${versions.join(', ')}.`,
    ...(kept.targets.length > 0 ? [targetsTable(kept)] : []),
    ...(kept.bench === 'growth' ? ['![What grows with sessions and nodes](results/growth.svg)'] : []),
    ['<details><summary>All figures</summary>', rowsTable(kept), '</details>'].join('\n\n'),
    kept.notes.map((note) => `- ${note}`).join('\n'),
    ...(method.length > 0 ? [`${method.join('; ')}.`] : []),
  ].join('\n\n');
}

function read(name: string): Kept | null {
  const file = new URL(`${name}.json`, resultsFolder);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

function writeGrowth(): void {
  const [memory, growth] = [read('memory'), read('growth')];
  if (growth === null) return;
  writeFileSync(new URL('growth.svg', resultsFolder), growthPlot(growth));
  if (memory !== null) writeFileSync(capacity, capacityPage(memory, growth));
}

export function writeReadme(): void {
  writeGrowth();
  const sections = order
    .map(read)
    .filter((kept) => kept !== null)
    .map(section);
  const text = readFileSync(readme, 'utf8');
  const begin = text.indexOf(from);
  const end = text.indexOf(to);
  if (begin === -1 || end < begin) throw new Error('README.md has lost the marks between which the results stand.');
  writeFileSync(readme, `${text.slice(0, begin)}${[from, ...sections, to].join('\n\n')}${text.slice(end + to.length)}`);
}

if (import.meta.main) writeReadme();
