import type { Store } from 'sojourn';
import { ConfigError } from '../../config.ts';

/** Engines whose clocks differ by more would let sessions live longer, or shorter. */
const mostDifference = 2000;

/** Throws `ConfigError` when what is live on one engine would not be for as long on the other. */
export function compareClocks(from: Store, to: Store): void {
  const difference = Math.abs(from.now() - to.now());
  if (difference <= mostDifference) return;
  throw new ConfigError(
    `The clocks of the two engines differ by ${Math.round(difference / 1000)} s, and sessions would live longer or shorter by that. Set the clocks first.`,
  );
}
