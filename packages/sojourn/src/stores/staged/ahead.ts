import { SojournError } from '../../lifecycle/errors.ts';

/**
 * How far an engine's clock is ahead of this machine's, when it answered `now` to what was sent at `sent`.
 * What was known stands as long as it can be true, however long the answer took. Throws `store_unavailable` for what
 * is no time.
 */
export function aheadBy(known: number, now: number, sent: number): number {
  // Known once, it would stay: nothing could be compared with it, and nothing would ever run out.
  if (!Number.isFinite(now))
    throw new SojournError('store_unavailable', 'The engine answered something else than its time.');
  return Math.min(Math.max(known, now - Date.now()), now - sent);
}
