import { randomBytes } from 'node:crypto';

/** A session of the hand-written floors, of the size that the library's have. */
export interface FloorSession {
  readonly subject: string;
  readonly permissions: readonly string[];
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly expiresAt: number;
}

export const name = '__Host-floor=';
const secretLength = 43;

export function secretOf(cookies: string | undefined): string | null {
  const at = cookies === undefined ? -1 : cookies.indexOf(name);
  return cookies === undefined || at === -1 ? null : cookies.slice(at + name.length, at + name.length + secretLength);
}

export function made(
  subject: string,
  permissions: readonly string[],
  device: object,
): { secret: string; record: string } {
  const secret = randomBytes(32).toString('base64url');
  const now = Date.now();
  const limits = {
    createdAt: now,
    signedInAt: now,
    lastSeenAt: now,
    idleTimeout: 1_800_000,
    expiresAt: now + 43_200_000,
  };
  const more = {
    kind: 'standard',
    factors: [{ method: 'password', at: now }],
    rotatedAt: now,
    generation: 1,
    retired: [],
  };
  const keys = { formKey: randomBytes(16).toString('base64url'), operation: randomBytes(9).toString('base64url') };
  return { secret, record: JSON.stringify({ subject, permissions, ...limits, ...more, ...keys, device }) };
}
