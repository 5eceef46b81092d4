/**
 * How far an engine's clock is ahead of this machine's, when it answered `now` to what was sent at `sent`.
 * What was known stands as long as it can be true, however long the answer took.
 */
export function aheadBy(known: number, now: number, sent: number): number {
  return Math.min(Math.max(known, now - Date.now()), now - sent);
}
