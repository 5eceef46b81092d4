import { hash } from 'node:crypto';
import type { SessionRecord } from 'sojourn';

const name = '__Host-sojourn=';
const idLength = 23;
const secretLength = 43;

/**
 * The least that the work around the store can cost: find the cookie, hash, compare, check both limits
 * and one permission, by hand. `null` is a refusal.
 */
export function leastCheck(
  cookies: string | undefined,
  permission: string,
  find: (id: string) => SessionRecord,
): SessionRecord | null {
  const at = cookies === undefined ? -1 : cookies.indexOf(name);
  if (cookies === undefined || at === -1) return null;
  const from = at + name.length;
  const record = find(cookies.slice(from, from + idLength));
  const secret = cookies.slice(from + idLength + 1, from + idLength + 1 + secretLength);
  if (!same(record.secretHash, hash('sha256', secret, 'base64url'))) return null;
  const now = Date.now();
  if (now >= record.lastSeenAt + record.idleTimeout || now >= record.expiresAt) return null;
  return record.permissions.includes(permission) ? record : null;
}

function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
