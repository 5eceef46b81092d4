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

/** The fields that a decision about the session rests on, each by its name: in a loop over names this cost more than the parsing. */
function isRecord(value: Record<string, unknown>): value is Record<string, unknown> & SessionRecord {
  return (
    typeof value['secretHash'] === 'string' &&
    typeof value['kind'] === 'string' &&
    typeof value['formKey'] === 'string' &&
    typeof value['operation'] === 'string' &&
    typeof value['data'] === 'string' &&
    typeof value['createdAt'] === 'number' &&
    typeof value['lastSeenAt'] === 'number' &&
    typeof value['idleTimeout'] === 'number' &&
    typeof value['expiresAt'] === 'number' &&
    typeof value['rotatedAt'] === 'number' &&
    typeof value['generation'] === 'number' &&
    (value['subject'] === null || typeof value['subject'] === 'string') &&
    isListOf(value['permissions'], isText) &&
    isListOf(value['factors'], isFactor) &&
    isListOf(value['retired'], isRetired) &&
    (value['successor'] === undefined || isObject(value['successor'])) &&
    (value['ending'] === undefined || isObject(value['ending']))
  );
}

const isText = (one: unknown): boolean => typeof one === 'string';
const isFactor = (one: unknown): boolean => isObject(one) && typeof one['at'] === 'number';
const isRetired = (one: unknown): boolean => isObject(one) && typeof one['hash'] === 'string';

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
