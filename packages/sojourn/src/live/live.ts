import { type EndingReason, SojournError } from '../lifecycle/errors.ts';

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
  const signal = session.state === 'none' ? undefined : session.signal;
  if (signal === undefined) {
    end(connection, 'sign_in_required');
    return () => {};
  }
  const ended = (): void => {
    const { reason } = signal;
    end(connection, (reason instanceof SojournError && reason.reason) || 'sign_in_required');
  };
  if (signal.aborted) {
    ended();
    return () => {};
  }
  signal.addEventListener('abort', ended, { once: true });
  return () => signal.removeEventListener('abort', ended);
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
