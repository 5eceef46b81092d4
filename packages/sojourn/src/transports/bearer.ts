/** The credentials of an `Authorization: Bearer` header, `null` for any other scheme (RFC 6750 §2.1). */
export function readBearer(header: string | undefined): string | null {
  return header !== undefined && /^bearer /i.test(header) ? header.slice('Bearer '.length) : null;
}

/** A WWW-Authenticate value; for a step-up the challenge of RFC 9470, `within` in milliseconds. */
export function challenge(error: 'invalid_token' | 'insufficient_user_authentication' | null, within?: number): string {
  if (error === null) return 'Bearer';
  const age = within === undefined || !Number.isFinite(within) ? '' : `, max_age="${Math.floor(within / 1000)}"`;
  return `Bearer error="${error}"${age}`;
}
