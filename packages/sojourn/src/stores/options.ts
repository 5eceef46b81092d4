import { type Duration, milliseconds, spell } from '../lifecycle/duration.ts';
import { invalid } from '../lifecycle/errors.ts';

/* Options that engines have in common, looked at: code without types passes anything. */

const minute = 60_000;
const hour = 60 * minute;

/** How long somebody may be kept waiting, in milliseconds. */
export function patience(option: string, value: Duration, least = 1): number {
  return atMost(minute, option, milliseconds(value, option, least));
}

/** A timer of Node that is much longer fires at once. */
export function everySoOften(option: string, value: Duration): number {
  return atMost(hour, option, milliseconds(value, option, 1));
}

function atMost(most: number, option: string, given: number): number {
  if (given <= most) return given;
  throw invalid(`${option} ${spell(given)}: use ${spell(most)} at most.`);
}

/** `null`: the engine's own. */
export function clockOf(option: string, now: (() => number) | undefined): (() => number) | null {
  if (now === undefined || typeof now === 'function') return now ?? null;
  throw invalid(`${option} ${JSON.stringify(now)}: give a function that answers milliseconds.`);
}
