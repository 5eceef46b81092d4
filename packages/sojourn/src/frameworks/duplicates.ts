import type { MaybePromise } from '../lifecycle/ports.ts';
import { isToken } from '../lifecycle/token.ts';
import type { Session } from '../session.ts';
import { internalsOf } from '../tracked-session.ts';

/** Of one jar's cookies of our name so many are looked up; the rest is not. */
const most = 16;

export interface SortedOut<D, P extends string> {
  /** By the id of the session, the secret that stands for it longest. */
  readonly good: ReadonlyMap<string, string>;
  /** What the first that is not good was refused with; `null` where there was no token at all. */
  readonly refused: Session<D, P> | null;
}

/**
 * Several cookies of our name, as another host or path may have set: which of them are good. A former secret beside
 * the present one of its session is what a jar was left with; without it, it is a copy, whatever stands beside it.
 */
export async function sortOut<D, P extends string>(
  values: readonly string[],
  track: (value: string, tentative: boolean) => MaybePromise<Session<D, P>>,
): Promise<SortedOut<D, P>> {
  const good = new Map<string, string>();
  const refused: Session<D, P>[] = [];
  const former: { value: string; id: string | undefined }[] = [];
  for (const value of values.filter(isToken).slice(0, most)) {
    const session = await track(value, true);
    if (session.state === 'none') {
      refused.push(session);
      if (session.refused?.code === 'reuse_detected') former.push({ value, id: session.refused.sessionId });
    } else if (!good.has(session.id) || internalsOf(session).isNewest()) good.set(session.id, value);
  }
  const copies = former.filter(({ id }) => id === undefined || !good.has(id));
  const found = [];
  for (const { value } of copies) found.push(await track(value, false));
  return { good, refused: found[0] ?? refused[0] ?? null };
}
