import type { Random } from '../lifecycle/ports.ts';

/** Reproducible text for tests: the same seed gives the same ids and secrets. Never for anything else. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    text(bytes) {
      const buffer = Buffer.alloc(bytes);
      for (let i = 0; i < bytes; i++) buffer[i] = next() & 0xff;
      return buffer.toString('base64url');
    },
  };
}
