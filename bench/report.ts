import { mkdirSync, writeFileSync } from 'node:fs';
import { digits, type Figure, spell } from './figures.ts';
import type { Setting } from './machine.ts';

/** The column of benchmarks whose rows have units of their own. */
export const measured = 'measured';

/** One line of a benchmark's table. */
export interface Row {
  readonly what: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** A promise of the project beside what was measured. */
export interface Target {
  readonly what: string;
  readonly wanted: number;
  readonly bound: 'at least' | 'at most';
  readonly unit: string;
  readonly measured: Figure;
}

/** What a benchmark hands over; `notes` say what the reader of the figures must know. */
export interface Report {
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
  readonly notes: readonly string[];
  /** How it was measured: rounds, connections, sizes. */
  readonly method: Readonly<Record<string, string | number>>;
}

/** A report as it is kept beside the code. */
export type Kept = Report & Setting & { readonly bench: string; readonly seconds: number };

export function met({ bound, wanted, measured: { median } }: Target): boolean {
  return bound === 'at least' ? median >= wanted : median <= wanted;
}

export const resultsFolder: URL = new URL('./results/', import.meta.url);

export function keep(kept: Kept): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(new URL(`${kept.bench}.json`, resultsFolder), `${JSON.stringify(kept, null, 2)}\n`);
}

/** A table in Markdown, which is also fit for a terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

export function rowsTable({ rows }: Report): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const cells = rows.map(({ what, figures }) => [
    what,
    ...columns.map((column) => {
      const found = figures[column];
      if (found === undefined) return '';
      return column === measured ? `${spell(found)} ${found.unit}` : spell(found);
    }),
  ]);
  return table(['', ...columns], cells);
}

export function targetsTable({ targets }: Report): string {
  return table(
    ['target', 'wanted', 'measured', ''],
    targets.map((target) => [
      target.what,
      `${target.bound} ${digits(target.wanted)} ${target.unit}`,
      spell(target.measured),
      met(target) ? 'met' : '**missed**',
    ]),
  );
}
