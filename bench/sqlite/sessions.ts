import { hash } from 'node:crypto';
import type { SessionRecord } from 'sojourn';
import { device } from '../route/device.ts';
import { permissions } from '../route/people.ts';

/*
 * The sessions of the large file, each made from its number alone, so that a process that reads the
 * file need not be told a million ids.
 */

export const total = 1_000_000;
/** The first of them have expired and wait for the sweep, in laps of this many. */
export const expired = 300_000;
const perSubject = 4;
const hour = 3_600_000;

function random(purpose: string, number: number, bytes: number): string {
  return hash('sha256', `${purpose} ${number}`, 'buffer').toString('base64url', 0, bytes);
}

export function subjectOf(number: number): string {
  return `user-${Math.floor(number / perSubject)}`;
}

export function idOf(number: number): string {
  // The first character of an id names the subject's partition.
  return hash('sha256', subjectOf(number), 'base64url').charAt(0) + random('id', number, 16);
}

export function tokenOf(number: number): string {
  return `${idOf(number)}.${random('secret', number, 32)}`;
}

/** A number of a session that is live, for a random number from 0 to 1. */
export function live(random01: number): number {
  return expired + Math.floor(random01 * (total - expired));
}

/** The record as the store would have written it at `now`; an expired one two hours before. */
export function recordOf(number: number, now: number): SessionRecord {
  const at = number < expired ? now - 2 * hour : now;
  return {
    id: idOf(number),
    version: 1,
    subject: subjectOf(number),
    permissions,
    factors: [{ method: 'password', at }],
    kind: 'standard',
    createdAt: at,
    signedInAt: at,
    lastSeenAt: at,
    idleTimeout: hour / 2,
    expiresAt: at + 12 * hour,
    rotatedAt: at,
    secretHash: hash('sha256', random('secret', number, 32), 'base64url'),
    generation: 1,
    retired: [],
    formKey: random('form', number, 16),
    operation: random('operation', number, 9),
    device,
    data: '{"cart":["12345678","23456789"],"seen":3}',
  };
}
