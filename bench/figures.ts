/** What one thing measured in every round, with the median and how far the rounds lay apart. */
export interface Figure {
  readonly unit: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: readonly number[];
}

export function figure(unit: string, rounds: readonly number[]): Figure {
  const sorted = rounds.map(significant).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  return {
    unit,
    median: significant(median),
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    rounds: rounds.map(significant),
  };
}

/** The figure of the quotients round by round, so that what slowed a whole round divides out. */
export function ratio(of: Figure, to: Figure): Figure {
  return figure(
    'ratio',
    of.rounds.map((value, round) => value / (to.rounds[round] ?? Number.NaN)),
  );
}

/** The figure of the differences round by round. */
export function difference(of: Figure, to: Figure): Figure {
  return figure(
    of.unit,
    of.rounds.map((value, round) => value - (to.rounds[round] ?? Number.NaN)),
  );
}

/** Four digits: more would claim a precision that no round has. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}

/** A figure as people read it: `12,300 [11,900–12,600]`. */
export function spell({ median, least, most, rounds }: Figure): string {
  return rounds.length > 1 ? `${digits(median)} [${digits(least)}–${digits(most)}]` : digits(median);
}

export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
}
