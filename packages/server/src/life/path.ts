import type { SessionSummary } from 'sojourn';
import type { Told } from '../events/feed.ts';

/** Where a session can be, in the words of its life. */
export type Position = 'none' | 'anonymous' | 'signed-in' | 'expired' | 'terminated';

/** A stop on the way, and when it was made. */
export interface Step {
  readonly position: Position;
  readonly at: number;
}

export function endPosition(reason: string): 'expired' | 'terminated' {
  return reason.startsWith('session_expired') ? 'expired' : 'terminated';
}

/**
 * The way a session came, oldest first. Its record alone tells the last stops; what it took the place
 * of is known only while its events are at hand.
 */
export function pathOf(events: readonly Told[], summary: SessionSummary | null): readonly Step[] {
  if (summary === null) return [];
  const { id, subject, createdAt, signedInAt, ending } = summary;
  return [
    ...events.filter(({ sessionId }) => sessionId !== id).flatMap(began),
    subject === null
      ? { position: 'anonymous', at: createdAt }
      : { position: 'signed-in', at: signedInAt ?? createdAt },
    ...(ending ? [{ position: endPosition(ending.reason), at: ending.at }] : []),
  ];
}

function began({ type, at }: Told): Step[] {
  if (type === 'created') return [{ position: 'anonymous', at }];
  return type === 'signed_in' ? [{ position: 'signed-in', at }] : [];
}
