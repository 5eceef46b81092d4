/** Why a session ended. The same words are the `reason` of problems and events and what the person is told. */
export const endingReasons = [
  'session_expired_idle',
  'session_expired_absolute',
  'signed_out',
  'revoked',
  'replaced',
  'limit_reached',
  'password_changed',
  'permissions_changed',
  'subject_changed',
  'account_disabled',
  'administrator',
  'rotation_lost',
  'reuse_detected',
  'purged',
] as const;

export type EndingReason = (typeof endingReasons)[number];

/** The codes a request can be answered with, and the status each has. */
const statuses = {
  sign_in_required: 401,
  session_expired_idle: 401,
  session_expired_absolute: 401,
  session_terminated: 401,
  token_replaced: 401,
  rotation_lost: 401,
  reuse_detected: 401,
  fresh_proof_required: 401,
  permission_missing: 403,
  cross_site: 403,
  form_token_invalid: 403,
  credentials_conflict: 400,
  subject_changed: 409,
  limit_reached: 409,
  conflict: 409,
  data_too_large: 413,
  anonymous_refused: 429,
  store_unavailable: 503,
  // What only the developer or the operator meets.
  option_invalid: 500,
  store_unusable: 500,
  origin_missing: 500,
  session_taken: 500,
  not_tracked: 500,
  state_invalid: 500,
  data_not_serialisable: 500,
  response_started: 500,
  write_not_awaited: 500,
  cookie_overwritten: 500,
  token_cacheable: 500,
  rotation_unseen: 500,
  cursor_lost: 410,
} as const;

/** Every code this library speaks: of errors, of problem answers and of notices. A closed union. */
export type Code = keyof typeof statuses;

/** All codes, for documentation and for tables that must be complete. */
export const codes: readonly Code[] = Object.keys(statuses) as Code[];

interface Details {
  readonly sessionId?: string;
  readonly reason?: EndingReason;
  /** When the session ended. */
  readonly at?: number;
  readonly cause?: unknown;
}

/** An option that cannot be, with the fix. */
export function invalid(message: string): SojournError {
  return new SojournError('option_invalid', message);
}

/** Whether something thrown is an error of this library with this code. */
export function isError(thrown: unknown, code: Code): thrown is SojournError {
  return thrown instanceof SojournError && thrown.code === code;
}

/** Whether something thrown says that the session is not live. */
export function isRefusal(thrown: unknown): thrown is SojournError {
  return thrown instanceof SojournError && thrown.status === 401;
}

/**
 * The one error class. `code` is stable, `message` names the fix, `status` is the HTTP status that
 * Express and Fastify read from a thrown error. Never carries a token.
 */
export class SojournError extends Error {
  override readonly name = 'SojournError';
  readonly code: Code;
  readonly status: number;
  readonly sessionId: string | undefined;
  readonly reason: EndingReason | undefined;
  readonly at: number | undefined;

  constructor(code: Code, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = statuses[code];
    this.sessionId = details.sessionId;
    this.reason = details.reason;
    this.at = details.at;
  }

  /** Fastify's name for `status`. */
  get statusCode(): number {
    return this.status;
  }

  /** Headers that Express's and Hono's error handlers pass on. */
  get headers(): Record<string, string> {
    return this.code === 'store_unavailable' ? { 'retry-after': '5' } : {};
  }
}
