import { invalid } from './errors.ts';

/*
 * What comes from the application, looked at: code without types passes anything, and code with them
 * passes `undefined` where a name was mistyped.
 */

/** An object of options with no name that nobody knows. */
export function knownKeys(where: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) throw invalid(`${where}: give an object of options.`);
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw invalid(`${where}.${key} is no option: use ${known.join(', ')}.`);
  }
}

export function oneOf<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw invalid(`${option} ${JSON.stringify(value)}: use ${allowed.join(', ')}.`);
}

export function whole(option: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(`${option} ${JSON.stringify(value)}: use a whole number from ${least}.`);
}

export function flag(option: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(`${option} ${JSON.stringify(value)}: use true or false.`);
}

/** Engines hold neither NUL nor half a character: PostgreSQL refuses them, SQLite and Redis would store another text. */
export function text(option: string, value: string): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw invalid(`${option} ${JSON.stringify(value)}: use a text that is not empty.`);
  }
  if (value.includes('\0') || !value.isWellFormed()) {
    throw invalid(`${option} ${JSON.stringify(value)}: use whole characters of Unicode without NUL.`);
  }
  return value;
}

/** Bytes of a subject at most, so that every engine can index it: PostgreSQL's index rows end at 2,704. */
const longestSubject = 1024;

/** Whom an account is known by. */
export function subjectName(value: string): string {
  if (new TextEncoder().encode(text('subject', value)).length <= longestSubject) return value;
  throw invalid(`subject ${value.slice(0, 32)}…: use an id of ${longestSubject} bytes at most.`);
}

/** A moment, in milliseconds. With one that is none every comparison is false. */
export function instant(option: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw invalid(`${option} ${String(value)}: use milliseconds since the epoch.`);
}

/** A list of texts, each once. */
export function texts(option: string, values: readonly string[]): readonly string[] {
  if (!Array.isArray(values)) throw invalid(`${option} ${JSON.stringify(values)}: use a list.`);
  return [...new Set(values.map((value) => text(option, value)))];
}
