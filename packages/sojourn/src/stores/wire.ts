import { SojournError } from '../lifecycle/errors.ts';
import type { SessionRecord } from '../lifecycle/session.ts';

/*
 * The written form of a record: JSON, beside the number of its format. Fields that this release does
 * not know are kept through an update, so an older and a newer release can share a store while one
 * replaces the other; only a change that an older release would misread raises the number.
 */
export const recordFormat: number = 1;

/** The fields an engine keeps beside the text, because it changes or compares them on their own. */
interface Columns {
  readonly id: string;
  readonly format: number;
  readonly version: number;
  readonly lastSeenAt: number;
  readonly data: string;
  readonly state: string;
}

export function encodeRecord({ id, version, lastSeenAt, data, ...rest }: SessionRecord): string {
  return JSON.stringify(rest);
}

/** The record of a row. A corrupt or newer one is `store_unavailable` with the id, never an empty session. */
export function decodeRecord(text: string, columns: Columns): SessionRecord {
  if (columns.format !== recordFormat) {
    throw unreadable(columns.id, `has format ${columns.format} and this release reads ${recordFormat}`);
  }
  let parsed: Record<string, unknown> | null;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw unreadable(columns.id, 'is not JSON', cause);
  }
  if (parsed === null || typeof parsed !== 'object') throw unreadable(columns.id, 'is not an object');
  parsed['id'] = columns.id;
  parsed['version'] = columns.version;
  parsed['lastSeenAt'] = columns.lastSeenAt;
  parsed['data'] = columns.data;
  // A release that could not read the rest has ended it by its column alone.
  if (columns.state === 'ended') parsed['ending'] ??= { reason: 'revoked', at: columns.lastSeenAt, by: 'system' };
  if (!isRecord(parsed)) throw unreadable(columns.id, 'lacks a field that every session has');
  return parsed;
}

/** The fields that a decision about the session rests on. */
function isRecord(value: Record<string, unknown>): value is Record<string, unknown> & SessionRecord {
  return (
    texts.every((name) => typeof value[name] === 'string') &&
    numbers.every((name) => typeof value[name] === 'number') &&
    (value['subject'] === null || typeof value['subject'] === 'string') &&
    isListOf(value['permissions'], (one) => typeof one === 'string') &&
    isListOf(value['factors'], (one) => isObject(one) && typeof one['at'] === 'number') &&
    isListOf(value['retired'], (one) => isObject(one) && typeof one['hash'] === 'string') &&
    (value['successor'] === undefined || isObject(value['successor'])) &&
    (value['ending'] === undefined || isObject(value['ending']))
  );
}

const texts = ['secretHash', 'kind', 'formKey', 'operation', 'data'] as const;
const numbers = ['createdAt', 'lastSeenAt', 'idleTimeout', 'expiresAt', 'rotatedAt', 'generation'] as const;

function isListOf(value: unknown, is: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function unreadable(sessionId: string, why: string, cause?: unknown): SojournError {
  return new SojournError('store_unavailable', `The record of session ${sessionId} cannot be read: it ${why}.`, {
    sessionId,
    cause,
  });
}
