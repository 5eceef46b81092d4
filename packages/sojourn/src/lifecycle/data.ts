import { SojournError } from './errors.ts';
import { type Held, type Life, operation } from './life.ts';
import type { Handover, Policy } from './policy.ts';
import type { SessionRecord } from './session.ts';
import { readmit } from './track.ts';

/** A session's data: an object that JSON can hold. */
export type Data = Record<string, unknown>;

/** How often a write is replayed on top of others' before it gives up. */
const mostReplays = 100;

/**
 * Changes the data of the session a request holds. `change` edits a draft and is replayed on the
 * newest data when another request wrote first, so effects stay out of it. Durable when it resolves.
 * Throws `data_too_large`, `data_not_serialisable`, or the refusal when the session is no longer live.
 */
export async function update(life: Life, held: Held, change: (draft: Data) => unknown): Promise<Held> {
  let now = held;
  for (let replay = 0; replay <= mostReplays; replay++) {
    const { record, seenAt } = now;
    const data = await edited(life.policy, record, change);
    if (data === record.data) return now;
    const updated = await life.store.update(
      record.id,
      record.version,
      { data },
      { operation: operation(life), seenAt, events: [] },
    );
    if (updated.outcome === 'updated') return { ...now, record: updated.record };
    now = await readmit(life, now);
  }
  throw new SojournError('conflict', `update: other requests wrote first ${mostReplays} times. Write less often.`, {
    sessionId: held.record.id,
  });
}

async function edited(policy: Policy, record: SessionRecord, change: (draft: Data) => unknown): Promise<string> {
  const draft = parseData(record.data);
  await change(draft);
  return serialise(draft, record.subject === null ? policy.anonymousDataBytes : policy.dataBytes);
}

/** The data of a session that does not exist yet. */
export async function firstData(policy: Policy, change: (draft: Data) => unknown): Promise<string> {
  const draft: Data = {};
  await change(draft);
  return serialise(draft, policy.anonymousDataBytes);
}

/** Data from its stored text. */
export function parseData(text: string): Data {
  return text === '{}' ? {} : JSON.parse(text);
}

/** Data as JSON text that reads back as the same, within a byte limit. */
export function serialise(data: Data, most: number): string {
  checkSerialisable(data, 'data', new Set());
  const text = JSON.stringify(data);
  const bytes = text.length > most ? text.length : new TextEncoder().encode(text).length;
  if (bytes > most) {
    throw new SojournError(
      'data_too_large',
      `The session's data would be ${bytes} bytes, over the policy's ${most}. Keep large things elsewhere and their key here.`,
    );
  }
  return text;
}

/** JSON would change these without a word: `Date` to text, `Map` to `{}`, `NaN` to `null`, holes to `null`. */
function checkSerialisable(value: unknown, path: string, above: Set<object>): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  if (typeof value !== 'object') throw notSerialisable(path, typeof value === 'number' ? String(value) : typeof value);
  if (above.has(value)) throw notSerialisable(path, 'circular');
  above.add(value);
  for (const [key, inner] of partsOf(value, path)) checkSerialisable(inner, `${path}.${key}`, above);
  above.delete(value);
}

function partsOf(value: object, path: string): Iterable<[string | number, unknown]> {
  // `entries()` visits the holes of an array, as JSON does.
  if (Array.isArray(value)) return value.entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) throw notSerialisable(path, `a ${value.constructor.name}`);
  // A key set to undefined is how one removes it.
  return Object.entries(value).filter(([, inner]) => inner !== undefined);
}

function notSerialisable(path: string, what: string): SojournError {
  return new SojournError(
    'data_not_serialisable',
    `${path} is ${what}, which JSON cannot hold. Store text, finite numbers, booleans, null, arrays and plain objects.`,
  );
}

/** A visitor's data at sign-in beside what the subject has: only what the policy names crosses. */
export function handOver(policy: Policy, visitors: string, own: string): string {
  const result = parseData(own);
  const from = parseData(visitors);
  for (const [key, rule] of Object.entries(policy.handover)) {
    if (!Object.hasOwn(from, key) || rule === 'drop') continue;
    const value = handedOver(rule, from[key], result[key]);
    if (value !== undefined) result[key] = value;
  }
  return serialise(result, policy.dataBytes);
}

/** `merge` joins arrays and plain objects; otherwise what the subject already has goes first. */
function handedOver(rule: Exclude<Handover, 'drop'>, visitors: unknown, own: unknown): unknown {
  if (typeof rule === 'function') return rule(visitors, own);
  if (rule === 'keep' || own === undefined) return visitors;
  if (Array.isArray(own) && Array.isArray(visitors)) return [...own, ...visitors];
  if (isObject(own) && isObject(visitors)) return { ...visitors, ...own };
  return own;
}

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
