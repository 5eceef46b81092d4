import { createHmac, hash as digest, randomBytes } from 'node:crypto';
import type { Clock, Hash, Random } from './lifecycle/ports.ts';

/* The machine's clock, randomness and hash: here, and nowhere else, they enter the library. */

/** A longer one would fire at once. Who waits longer looks again on the way. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  after(delay, run) {
    const timer = setTimeout(run, Math.min(delay, longestTimer)).unref();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = { text: (bytes) => randomBytes(bytes).toString('base64url') };

export const systemHash: Hash = {
  digest: (text) => digest('sha256', text, 'base64url'),
  seal(key, label, value) {
    const pad = createHmac('sha256', key).update(label).digest();
    const bytes = Buffer.from(value, 'base64url');
    for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (pad[i] ?? 0);
    return bytes.toString('base64url');
  },
};
