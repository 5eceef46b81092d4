import { hash } from 'node:crypto';
import type { SessionEvent, SessionRecord } from 'sojourn';
import { device } from '../route/device.ts';
import { permissions } from '../route/people.ts';

/*
 * Sessions of a large store, each made from its number alone, so that who reads them need not be told a
 * million ids. One a subject: no subject's index is shared, which is the dearest case.
 */

const hour = 3_600_000;
/** Characters of a session's data as JSON. */
export const dataBytes = 300;

function random(purpose: string, number: number, bytes: number): string {
  return hash('sha256', `${purpose} ${number}`, 'buffer').toString('base64url', 0, bytes);
}

export function subjectOf(number: number): string {
  return `filled-${String(number).padStart(8, '0')}`;
}

function idOf(number: number): string {
  // The first character of an id names the subject's partition.
  return hash('sha256', subjectOf(number), 'base64url').charAt(0) + random('filled id', number, 16);
}

export function tokenOf(number: number): string {
  return `${idOf(number)}.${random('filled secret', number, 32)}`;
}

/** Different in each, so that nothing shares or compresses it. */
export function textOf(number: number): string {
  const text = `${random('text', number, 32)}${random('more', number, 32)}`;
  return text.repeat(4).slice(0, dataBytes - JSON.stringify({ text: '' }).length);
}

/** As the library would have written it at `now`. */
export function recordOf(number: number, now: number): SessionRecord {
  return {
    id: idOf(number),
    version: 2,
    subject: subjectOf(number),
    permissions,
    factors: [{ method: 'password', at: now }],
    kind: 'standard',
    createdAt: now,
    signedInAt: now,
    lastSeenAt: now,
    idleTimeout: hour / 2,
    expiresAt: now + 12 * hour,
    rotatedAt: now,
    secretHash: hash('sha256', random('filled secret', number, 32), 'base64url'),
    generation: 1,
    retired: [],
    formKey: random('form', number, 16),
    operation: random('operation', number, 12),
    device,
    data: JSON.stringify({ text: textOf(number) }),
  };
}

export function eventOf(record: SessionRecord): SessionEvent {
  const { id: sessionId, subject, kind, createdAt: at } = record;
  return { type: 'signed_in', at, sessionId, subject, kind };
}
