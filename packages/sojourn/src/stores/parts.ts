import { checkInTime } from './operations/in-time.ts';

/*
 * What is about very many sessions is written in parts, so that what others write waits for one part and no
 * more. Between two of them others write: what a part rests on is read in the part.
 */

/** Sessions that are written in one step: the engine does little else meanwhile. */
export const sessionsAtOnce = 100;

/** An operation that may stop between two parts. It goes on with the engine's time, so that nothing is written that nobody waits for. */
export type InParts<T> = Generator<undefined, T, number>;

/** All parts in one step. */
export function whole<T>(parts: InParts<T>, now: number): T {
  for (;;) {
    const { done, value } = parts.next(now);
    if (done) return value;
  }
}

/** Does the same to each, so many in a part. Answers when the last began, `null` where one part was enough; throws where nobody waits for the rest any more. */
export function* eachInParts<T>(
  all: readonly T[],
  act: (one: T) => void,
  until: number | undefined,
): InParts<number | null> {
  let later: number | null = null;
  for (const [part, few] of some(all).entries()) {
    if (part > 0) {
      later = yield;
      checkInTime(later, until);
    }
    for (const one of few) act(one);
  }
  return later;
}

/** A list as lists of at most so many. */
export function some<T>(all: readonly T[], most: number = sessionsAtOnce): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, part) => all.slice(part * most, (part + 1) * most));
}
