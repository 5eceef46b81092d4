import { type EndingReason, SojournError } from '../lifecycle/errors.ts';
import type { Wait } from '../lifecycle/signals.ts';
import { TrackedSession } from '../tracked-session.ts';

/** A connection as its library has it: `ws` and browsers' WebSocket, or an HTTP answer still being written. */
export type Connection =
  | { close(code: number, reason: string): void }
  | { end(): void }
  | ((reason: EndingReason | 'sign_in_required') => void);

/** RFC 6455 §7.4.1: the connection ends because of a policy. */
const policyViolation = 1008;

/**
 * Ends a WebSocket, event stream or long poll when its session ends: at once in this process, soon
 * after in others; at once also when there is no session or it has ended already. Call what it
 * answers when the connection closes by itself.
 */
export function endWith(
  session: { readonly state: string; readonly signal?: AbortSignal },
  connection: Connection,
): () => void {
  const wait = session.state === 'none' ? null : waitOf(session);
  if (wait === null) {
    end(connection, 'sign_in_required');
    return () => {};
  }
  const { signal, release } = wait;
  const ended = (): void => {
    const { reason } = signal;
    end(connection, (reason instanceof SojournError && reason.reason) || 'sign_in_required');
  };
  if (signal.aborted) {
    ended();
    return () => {};
  }
  signal.addEventListener('abort', ended, { once: true });
  return () => {
    signal.removeEventListener('abort', ended);
    release();
  };
}

/** Of a session of this library nothing is kept for a connection that is gone; of another only its signal is known. */
function waitOf(session: { readonly signal?: AbortSignal }): Wait | null {
  if (session instanceof TrackedSession) return session.wait();
  return session.signal === undefined ? null : { signal: session.signal, release: () => {} };
}

function end(connection: Connection, reason: EndingReason | 'sign_in_required'): void {
  if (typeof connection === 'function') {
    connection(reason);
    return;
  }
  try {
    if ('close' in connection) connection.close(policyViolation, reason);
    else connection.end();
  } catch {
    // It was closed already, which is what was wanted.
  }
}
