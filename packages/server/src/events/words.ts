import type { SessionEvent } from 'sojourn';
import { why } from '../pages/reasons.ts';

export type Stage = 'creation' | 'tracking' | 'expiry' | 'termination';

/** An event as people read it: at which stage, and what happened. */
export interface Said {
  readonly stage: Stage;
  readonly says: string;
}

/** One sentence an event. Names no token, no hash and no address. */
export function wordsOf(event: SessionEvent): Said {
  switch (event.type) {
    case 'created':
      return { stage: 'creation', says: 'A visit began an anonymous session.' };
    case 'signed_in':
      return {
        stage: 'creation',
        says: `Signed in: a new id and a fresh secret${event.kind === 'standard' ? '' : `, kind ${event.kind}`}.`,
      };
    case 'rotated':
      return { stage: 'tracking', says: 'A new secret took over. The old one has a short grace.' };
    case 'stepped_up':
      return { stage: 'tracking', says: 'Proved again. The old token ended at once.' };
    case 'permissions_changed':
      return { stage: 'tracking', says: `Permissions are to be ${listed(event.permissions)}.` };
    case 'reuse_detected':
      return { stage: 'tracking', says: 'An old copy of the token was used.' };
    case 'noticed':
      return noticed(event);
    case 'expired':
      return { stage: 'expiry', says: `Expired: ${reasonOf(event)}.` };
    case 'terminated':
      if (event.reason === 'replaced' && event.subject === null) {
        return { stage: 'termination', says: 'The visitor’s session ended: sign-in took its place.' };
      }
      return { stage: 'termination', says: `Ended: ${reasonOf(event)}.` };
  }
}

function reasonOf({ reason }: SessionEvent): string {
  return reason ? why(reason) : 'no reason was recorded';
}

function listed(names: readonly string[] = []): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function noticed({ code, count = 1 }: SessionEvent): Said {
  const times = count === 1 ? '' : ` ${count} times`;
  switch (code) {
    case 'event_unreadable':
      return { stage: 'tracking', says: 'Something happened of which the record cannot be read.' };
    case 'secret_mismatch':
      return { stage: 'tracking', says: `A wrong secret was refused${times}.` };
    case 'token_replaced':
      return { stage: 'termination', says: `A replaced token was refused${times}.` };
    case 'session_terminated':
      return { stage: 'termination', says: `The token came back after the end and was refused${times}.` };
    default:
      return { stage: 'tracking', says: `Noticed${times}: ${code ?? 'something'}.` };
  }
}
