import { invalid, SojournError } from './errors.ts';
import { type Held, type Life, write } from './life.ts';
import type { Handover, Policy } from './policy.ts';
import { readmit } from './readmit.ts';
import type { SessionRecord } from './session.ts';

/** A session's data: an object that JSON can hold. */
export type Data = Record<string, unknown>;

/** How often a write is replayed on top of others' before it gives up. */
const mostReplays = 100;

/**
 * Changes the data of the session a request holds. `change` edits a draft and is replayed on the
 * newest data when another request wrote first, so effects stay out of it. Durable when it resolves.
 * Throws `data_too_large`, `data_not_serialisable`, or the refusal when the session is no longer live.
 */
export async function update(life: Life, held: Held, change: Edit): Promise<Held> {
  return (await attempt(life, held, change)) ?? life.turns.take(held.record.id, () => replayed(life, held, change));
}

/** `null`: another request wrote first. */
async function attempt(life: Life, held: Held, change: Edit): Promise<Held | null> {
  const { record, usedAt } = held;
  const data = edited(life.policy, record, change);
  if (data === record.data) {
    // Nothing to write, on what the store has: what is remembered may be older, and the session may have ended.
    const now = await readmit(life, held);
    return now.record.version === record.version ? now : null;
  }
  const updated = await write(life, record, { data }, usedAt);
  return updated.outcome === 'updated' ? { ...held, record: updated.record } : null;
}

async function replayed(life: Life, held: Held, change: Edit): Promise<Held> {
  for (let replay = 0; replay < mostReplays; replay++) {
    const done = await attempt(life, await readmit(life, held), change);
    if (done !== null) return done;
  }
  throw new SojournError('conflict', `update: others wrote first ${mostReplays} times. Write less often.`, {
    sessionId: held.record.id,
  });
}

/** Edits a draft. Not async: it is run again when another request wrote first. */
export type Edit = (draft: Data) => void;

function edited(policy: Policy, record: SessionRecord, change: Edit): string {
  const most = record.subject === null ? policy.anonymousDataBytes : policy.dataBytes;
  return drafted(record.data, parseData(record.data, record.id), change, most);
}

/** The data of a session that does not exist yet. */
export function firstData(policy: Policy, change: Edit): string {
  return drafted('{}', {}, change, policy.anonymousDataBytes);
}

function drafted(before: string, draft: Data, change: Edit, most: number): string {
  if (typeof change !== 'function') throw invalid('update: pass a function that edits the draft.');
  const result: unknown = change(draft);
  if (result instanceof Promise) {
    // Its failure would be nobody's.
    result.catch(() => {});
    throw new SojournError('state_invalid', 'update: await before it, the function must not be async.');
  }
  const text = serialise(draft, most);
  if (typeof result === 'object' && result !== null && text === before) {
    throw new SojournError('state_invalid', 'update: edit the draft, what the function answers is not used.');
  }
  return text;
}

/** Data from its stored text. Throws `store_unavailable` with the session's id where that is no object's. */
export function parseData(text: string, sessionId: string): Data {
  if (text === '{}') return {};
  try {
    const data: unknown = JSON.parse(text);
    if (isObject(data)) return data;
  } catch {
    // As unreadable as what is no object.
  }
  throw new SojournError('store_unavailable', `The data of session ${sessionId} cannot be read.`, { sessionId });
}

/** Data as JSON text that reads back as the same, within a byte limit. */
export function serialise(data: Data, most: number): string {
  checkSerialisable(data, 'data', 0);
  const text = JSON.stringify(data);
  const bytes = text.length > most ? text.length : new TextEncoder().encode(text).length;
  if (bytes > most) {
    throw new SojournError(
      'data_too_large',
      `The data would be ${bytes} bytes, over ${most}: keep large things elsewhere.`,
    );
  }
  return text;
}

/** Deeper is either a mistake or circular. */
const deepest = 100;

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

/** JSON would change these without a word: `Date` to text, `Map` to `{}`, `NaN` and holes to `null`, `-0` to 0. */
function checkSerialisable(value: unknown, path: string, depth: number): void {
  if (isPlain(value)) return;
  if (typeof value !== 'object' || value === null) throw notSerialisable(path, `a ${typeof value}`);
  if (depth > deepest) throw notSerialisable(path, 'nested too deep');
  const prototype: unknown = Object.getPrototypeOf(value);
  const list = Array.isArray(value);
  if (!list && prototype !== null && prototype !== Object.prototype)
    throw notSerialisable(path, 'an instance of a class');
  const keys = Object.keys(value);
  if (Object.getOwnPropertySymbols(value).length > 0 || (list && keys.length !== value.length)) {
    throw notSerialisable(path, 'more, or less, than its keys');
  }
  for (const [key, inner] of Object.entries(value)) {
    // A key set to undefined is how one removes it; a list has no such place.
    if (inner !== undefined || list) checkSerialisable(inner, `${path}.${key}`, depth + 1);
  }
}

function notSerialisable(path: string, what: string): SojournError {
  return new SojournError(
    'data_not_serialisable',
    `${path} is ${what}, which JSON cannot hold: use plain values, lists and objects.`,
  );
}

/** A visitor's data at sign-in beside what the subject has: only what the policy names crosses. */
export function handOver(policy: Policy, visitors: string, own: string, sessionId: string): string {
  const result = parseData(own, sessionId);
  const from = parseData(visitors, sessionId);
  for (const [key, rule] of Object.entries(policy.handover)) {
    if (!Object.hasOwn(from, key) || rule === 'drop') continue;
    const value = handedOver(rule, from[key], result[key]);
    if (value !== undefined) result[key] = value;
  }
  return serialise(result, policy.dataBytes);
}

/** A session's data beside what was kept for its subject: the session's goes first. */
export function joined(policy: Policy, data: string, kept: string, sessionId: string): string {
  return kept === '{}'
    ? data
    : serialise({ ...parseData(kept, sessionId), ...parseData(data, sessionId) }, policy.dataBytes);
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
