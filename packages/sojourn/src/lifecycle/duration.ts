import { invalid } from './errors.ts';

/** Milliseconds, or a number with its unit: `'500ms'`, `'20s'`, `'30m'`, `'12h'`, `'30d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in whole milliseconds, `least` or more; throws `option_invalid`, naming the option, for anything else. */
export function milliseconds(value: Duration, option: string, least = 0): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
  const exact = match ? Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN) : value;
  // 1.1 h is not quite a whole number of milliseconds in binary.
  const span = match ? Math.round(Number(exact)) : exact;
  if (
    typeof span === 'number' &&
    Number.isSafeInteger(span) &&
    span >= least &&
    Math.abs(span - Number(exact)) < 1e-6
  ) {
    return span;
  }
  throw invalid(
    `${option}: ${JSON.stringify(value)}? Use whole milliseconds from ${least}, or '20s', '30m', '12h', '30d'.`,
  );
}

/** The largest unit that divides a span, for texts: 1800000 is `30 min`. */
export function spell(span: number): string {
  const names: readonly [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  for (const [size, name] of names) {
    if (span >= size && span % size === 0) return `${span / size} ${name}`;
  }
  return `${span} ms`;
}
