import { SojournError } from '../../lifecycle/errors.ts';

/** Throws where nobody waits for the write any more. */
export function checkInTime(now: number, until: number = Number.POSITIVE_INFINITY): void {
  if (now >= until) throw new SojournError('store_unavailable', 'The write is late: nobody waits for it any more.');
}
