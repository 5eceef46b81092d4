import { digits } from '../figures.ts';
import type { Kept } from '../report.ts';
import { cell, columns } from './cells.ts';

/* `results/growth.svg`: one small plot a figure and number of nodes, one line an engine, in plain SVG. */

const engines = ['sqlite', 'redis', 'postgres'] as const;
const figures = [columns.asked, columns.remembered, columns.signIns, columns.touches, columns.lag];
const width = 250;
const height = 150;
const margin = { left: 60, top: 46, right: 66, bottom: 34 };
const step = { x: width + margin.left + margin.right, y: height + margin.top + margin.bottom };
const head = 54;

const style = `
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #d0d7de; --sqlite: #0969da; --redis: #cf222e; --postgres: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #30363d; --sqlite: #58a6ff; --redis: #ff7b72; --postgres: #56d364; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--ink); }
  .title { font-weight: 600; }
  .grid { stroke: var(--faint); fill: none; }
  ${engines.map((name) => `.${name} { stroke: var(--${name}); } text.${name} { fill: var(--${name}); stroke: none; }`).join('\n  ')}
  .line { fill: none; stroke-width: 2; }`;

interface Cells {
  readonly sessions: readonly number[];
  readonly nodes: readonly number[];
  value(engine: string, sessions: number, nodes: number, figure: string): number | null;
}

function cellsOf({ rows }: Kept): Cells {
  const parts = rows.flatMap(({ what }) => [
    ...(/^\w+, ([\d,]+) sessions, (\d+) node/.exec(what)?.slice(1, 3).entries() ?? []),
  ]);
  const numbers = (index: number): number[] => {
    const found = parts.filter(([at]) => at === index).map(([, text]) => Number(text.replaceAll(',', '')));
    return [...new Set(found)].sort((a, b) => a - b);
  };
  return {
    sessions: numbers(0),
    nodes: numbers(1),
    value: (engine, sessions, nodes, figure) =>
      rows.find(({ what }) => what === cell(engine, sessions, nodes))?.figures[figure]?.median ?? null,
  };
}

/** By powers of ten: what grows tenfold is a tenfold step. */
function scale(values: readonly number[]): { low: number; high: number; at: (value: number) => number } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return { low, high, at: (value) => height * (1 - (Math.log10(value) - low) / (high - low)) };
}

export function growthPlot(kept: Kept): string {
  const cells = cellsOf(kept);
  const { sessions, nodes } = cells;
  const parts = figures.flatMap((figure, row) => {
    const all = engines.flatMap((engine) =>
      sessions.flatMap((size) => nodes.map((count) => cells.value(engine, size, count, figure))),
    );
    const present = all.filter((value): value is number => value !== null && value > 0);
    const y = scale(present.length > 0 ? present : [1]);
    return nodes.map((count, column) => panel(cells, figure, count, y, [column * step.x, head + row * step.y]));
  });
  const size = [step.x * Math.max(1, nodes.length), head + step.y * figures.length];
  const legend = engines.map((name, i) => `<text class="${name} title" x="${60 + i * 100}" y="38">${name}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" width="${size[0]}" height="${size[1]}" role="img" aria-label="What grows with sessions and nodes">`,
    `<style>${style}</style>`,
    `<rect width="100%" height="100%" style="fill: var(--paper)"/>`,
    `<text class="title" x="60" y="20">By sessions in the store; ${kept.date.slice(0, 10)}, ${kept.machine.cores} cores for nodes, engine and load</text>`,
    ...legend,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function panel(
  { sessions, value }: Cells,
  figure: string,
  nodes: number,
  y: ReturnType<typeof scale>,
  [left = 0, top = 0]: readonly number[],
): string {
  const x = (index: number): number => (index / Math.max(1, sessions.length - 1)) * width;
  const round = (number: number): number => Number(number.toFixed(1));
  const ticks = Array.from({ length: y.high - y.low + 1 }, (_, i) => 10 ** (y.low + i));
  const drawn = engines.flatMap((engine) => {
    const points = sessions.flatMap((size, index) => {
      const found = value(engine, size, nodes, figure);
      return found === null || found <= 0 ? [] : [{ x: round(x(index)), y: round(y.at(found)), found }];
    });
    const last = points.at(-1);
    return last === undefined ? [] : [{ engine, points, last, labelAt: last.y }];
  });
  // The labels of lines that end close together stand one under the other.
  const labelled = drawn.sort((one, other) => one.labelAt - other.labelAt);
  labelled.forEach((line, i) => {
    line.labelAt = Math.max(line.labelAt, (labelled[i - 1]?.labelAt ?? Number.NEGATIVE_INFINITY) + 13);
  });
  const lines = labelled.flatMap(({ engine, points, last, labelAt }) => [
    `<polyline class="line ${engine}" points="${points.map((point) => `${point.x},${point.y}`).join(' ')}"/>`,
    `<text class="${engine}" x="${last.x + 6}" y="${round(labelAt + 4)}">${digits(Number(last.found.toPrecision(3)))}</text>`,
  ]);
  if (lines.length === 0) return '';
  return [
    `<g transform="translate(${left + margin.left} ${top + margin.top})">`,
    `<text class="title" y="-12">${figure}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}</text>`,
    ...ticks.map((tick) => `<path class="grid" d="M0 ${round(y.at(tick))}h${width}"/>`),
    ...ticks.map((tick) => `<text x="-8" y="${round(y.at(tick)) + 4}" text-anchor="end">${short(tick)}</text>`),
    ...sessions.map(
      (size, i) => `<text x="${round(x(i))}" y="${height + 18}" text-anchor="middle">${short(size)}</text>`,
    ),
    ...lines,
    '</g>',
  ].join('\n');
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1000 ? `${value / 1000} k` : String(Number(value.toPrecision(2)));
}
