/* What the lifecycle needs of the machine it runs on. */

/** Random text, from a cryptographic source. */
export interface Random {
  /** `bytes` random bytes as base64url. */
  text(bytes: number): string;
}

/** SHA-256 in the two forms that sessions need. */
export interface Hash {
  /** SHA-256 of the text, base64url, 43 characters. */
  digest(text: string): string;
  /** `value` (base64url, 32 bytes) XOR HMAC-SHA256(key, label): seals, and unseals what it sealed. */
  seal(key: string, label: string, value: string): string;
}

/** Time for everything in a process that waits; the engine's time is the store's. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only go forward, from any beginning. */
  elapsed(): number;
  /** Calls back after `delay` milliseconds; the answer cancels. Never keeps a process alive. */
  after(delay: number, run: () => void): () => void;
}
