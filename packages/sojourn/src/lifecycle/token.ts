import type { Hash, Random } from './ports.ts';

/** 1 character of partition and 16 random bytes. */
const idLength = 23;
/** Of 32 random bytes. */
const secretLength = 43;
const tokenLength = idLength + 1 + secretLength;
const character = '[\\w-]';
/** An id, a full stop and a secret. Written out: V8 counts repetitions as it goes, which takes twice as long. */
const shape = new RegExp(`^${character.repeat(idLength)}\\.${character.repeat(secretLength)}$`);

/** What was presented as a token, split where its halves would meet. */
export interface Presented {
  readonly text: string;
  readonly id: string;
  readonly secret: string;
}

/**
 * A session token on its way to the client. No conversion shows it; `reveal()` does, for the one
 * place that writes it to the wire.
 */
export class Token {
  readonly #value: string;

  constructor(id: string, secret: string) {
    this.#value = `${id}.${secret}`;
  }

  /** `<id>.<secret>`, 67 characters of base64url and a full stop. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[token]';
  }

  toJSON(): string {
    return '[token]';
  }

  static {
    // Node's own name for what `console.log` shows, set here because declarations cannot name it.
    Object.defineProperty(Token.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: () => '[token]' });
  }
}

/** Exactly the shape of a token: nothing is trimmed or decoded. */
export function isToken(text: string): boolean {
  return shape.test(text);
}

/**
 * The two halves by their lengths, `null` where it is no token by that. Their characters are for `isToken`: it is
 * not asked where both are those of a session that is remembered.
 */
export function splitToken(text: string): Presented | null {
  if (text.length !== tokenLength || text.charAt(idLength) !== '.') return null;
  return { text, id: text.slice(0, idLength), secret: text.slice(idLength + 1) };
}

/** A new session id in the subject's partition; in a random one while anonymous. */
export function newId(random: Random, hash: Hash, subject: string | null): string {
  const text = random.text(16);
  return (subject === null ? random.text(1) : hash.digest(subject)).charAt(0) + text;
}

const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Number of partitions on every engine: one character of base64url. */
export const partitions = 64;

/** The partition, 0 to 63, that a session id names. */
export function partitionOf(id: string): number {
  return characters.indexOf(id.charAt(0));
}

/** The character that ids in a partition begin with. */
export function characterOf(partition: number): string {
  return characters.charAt(partition);
}

/** The partition of a subject's sessions: the first 6 bits of its hash, a character of base64url. */
export function partitionOfSubject(hash: Pick<Hash, 'digest'>, subject: string): number {
  return partitionOf(hash.digest(subject));
}

/** Equal digests in time that does not depend on where they differ. Both are of the same fixed length. */
export function sameDigest(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
