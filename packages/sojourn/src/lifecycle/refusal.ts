import { type Code, type EndingReason, SojournError } from './errors.ts';
import type { Life } from './life.ts';
import type { Ending, SessionRecord } from './session.ts';

/** A token that was not. Details only where the secret was right, so that an id alone tells nothing. */
export interface Refused {
  readonly state: 'refused';
  readonly code: Code;
  readonly reason?: EndingReason;
  /** When the session ended. */
  readonly at?: number;
  readonly sessionId?: string;
}

export function refuse(code: Code, details: Omit<Refused, 'state' | 'code'> = {}): Refused {
  return { state: 'refused', code, ...details };
}

export function refuseReplaced({ id, rotatedAt }: SessionRecord): Refused {
  return refuse('token_replaced', { reason: 'replaced', at: rotatedAt, sessionId: id });
}

export function refuseAs(record: SessionRecord, { reason, at }: Pick<Ending, 'reason' | 'at'>): Refused {
  return refuse(codeOf(reason), { reason, at, sessionId: record.id });
}

/** To come back after the limit is usual; to use a token that was signed out, replaced or revoked is recorded. */
export function refuseEnded(life: Life, record: SessionRecord, ending: Ending): Refused {
  const refused = refuseAs(record, ending);
  if (!ending.reason.startsWith('session_expired')) life.notices.add(record.id, refused.code);
  return refused;
}

function codeOf(reason: EndingReason): Code {
  switch (reason) {
    case 'session_expired_idle':
    case 'session_expired_absolute':
    case 'rotation_lost':
    case 'reuse_detected':
      return reason;
    case 'replaced':
      return 'token_replaced';
    default:
      return 'session_terminated';
  }
}

/** A refusal as the error it is for code that must not go on. */
export function refusalError(refused: Refused): SojournError {
  const { code, reason } = refused;
  if (code === 'token_replaced') {
    return new SojournError(
      code,
      'A newer token has taken the place of this one. Use that, or sign in again.',
      refused,
    );
  }
  const why = reason ? ` (${reason})` : '';
  return new SojournError(code, `The session is not live${why}. Send the person to sign in.`, refused);
}
