import { hash } from 'node:crypto';
import { createClient } from 'redis';
import { type FloorSession, made, name, secretOf } from './floor-session.ts';

/* The same floor in Redis, with the client that the library is given: GET, parse, both limits, one permission. */

const client = await createClient({ url: process.env['BENCH_STORE'] ?? '' }).connect();
let bytes = 0;

/** The signed-in session, or the status to refuse with. */
export async function signedIn(cookies: string | undefined, permission: string): Promise<FloorSession | 401 | 403> {
  const secret = secretOf(cookies);
  if (secret === null) return 401;
  const record = await client.get(`floor:${hash('sha256', secret, 'base64url')}`);
  if (record === null) return 401;
  const session: FloorSession = JSON.parse(record);
  const now = Date.now();
  if (now >= session.lastSeenAt + session.idleTimeout || now >= session.expiresAt) return 401;
  return session.permissions.includes(permission) ? session : 403;
}

export async function signIn(subject: string, permissions: readonly string[], device: object): Promise<string> {
  const { secret, record } = made(subject, permissions, device);
  bytes = record.length;
  await client.set(`floor:${hash('sha256', secret, 'base64url')}`, record, { PX: 43_200_000 });
  return name + secret;
}

export function recordBytes(): number {
  return bytes;
}
