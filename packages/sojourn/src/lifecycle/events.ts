import type { Code, EndingReason } from './errors.ts';
import type { Device, SessionRecord } from './session.ts';

/** What happens in a session's life, in the words of the four stages. */
export type EventType =
  | 'created'
  | 'signed_in'
  | 'rotated'
  | 'stepped_up'
  | 'permissions_changed'
  | 'reuse_detected'
  | 'expired'
  | 'terminated'
  | 'noticed';

/** One thing that happened to one session. Holds handles only, never a token or a hash. */
export interface SessionEvent {
  readonly type: EventType;
  /** Milliseconds since the epoch, by the engine's clock. */
  readonly at: number;
  readonly sessionId: string;
  readonly subject: string | null;
  readonly kind: string;
  /** Of `expired` and `terminated`. */
  readonly reason?: EndingReason;
  /** Of an ending: the subject, `clock`, `system` or an operator's id. */
  readonly by?: string;
  /** Who acts as the subject, of an impersonation. */
  readonly actor?: string;
  /** Of an ending: where the subject goes on, when the session was replaced. */
  readonly replacedBy?: string;
  /**
   * Of `noticed`: what was refused or went wrong, and how often since the last such event. In the place of an
   * event whose text is corrupt stands `event_unreadable`, of which neither time nor session is known.
   */
  readonly code?: Code | 'secret_mismatch' | 'event_unreadable';
  readonly count?: number;
  readonly permissions?: readonly string[];
  /** Of an ending, for the subject's own history: what the tombstone no longer tells. */
  readonly device?: Device;
  readonly createdAt?: number;
  readonly lastSeenAt?: number;
}

/** The two types of which a session has exactly one, once. */
export function isTerminal(event: SessionEvent): boolean {
  return event.type === 'expired' || event.type === 'terminated';
}

/** An event about a record, with what every event says. */
export function eventOf(
  type: EventType,
  record: SessionRecord,
  at: number,
  more: Partial<SessionEvent> = {},
): SessionEvent {
  return {
    type,
    at,
    sessionId: record.id,
    subject: record.subject,
    kind: record.kind,
    ...(record.actor ? { actor: record.actor.subject } : {}),
    ...more,
  };
}

/** The one terminal event of a session, from its ending. */
export function terminalEvent(record: SessionRecord): SessionEvent {
  const ending = record.ending;
  if (ending === undefined) throw new TypeError(`session ${record.id} has not ended`);
  const expired = ending.reason.startsWith('session_expired');
  return eventOf(expired ? 'expired' : 'terminated', record, ending.at, {
    reason: ending.reason,
    by: ending.by,
    ...(ending.replacedBy ? { replacedBy: ending.replacedBy } : {}),
    ...(record.device ? { device: record.device } : {}),
    createdAt: record.createdAt,
    lastSeenAt: record.lastSeenAt,
  });
}
