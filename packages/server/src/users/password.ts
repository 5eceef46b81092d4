import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** OWASP Password Storage (2026): argon2id with 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const saltLength = 16;
const tagLength = 32;
/** ASVS 6.2.1 and 6.2.9: at least 8 characters, and at least 64 allowed. */
export const shortest = 8;
export const longest = 256;

const derive: (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Buffer> = promisify(argon2);

/** Hashes at once: each takes 19 MiB and tens of milliseconds, and a flood of sign-ins must not take them all. */
const mostAtOnce = 4;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(run: () => Promise<T>): Promise<T> {
  if (running < mostAtOnce) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await run();
  } finally {
    // Whoever waited longest takes the place over.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** A PHC string of the password, with a random salt. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(saltLength);
  const tag = await inTurn(() => derive('argon2id', { message: password, nonce, tagLength, ...cost }));
  return phcOf(nonce, tag);
}

/** In the form of a hash of today, and of no password that anybody knows; to check one against it takes as long. */
export function hashOfNobody(): string {
  return phcOf(randomBytes(saltLength), randomBytes(tagLength));
}

function phcOf(nonce: Buffer, tag: Buffer): string {
  const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${text(nonce)}$${text(tag)}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Whether the password is the one of a PHC string. The time it takes depends on the string's cost only. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const parts = phc.exec(stored);
  if (parts === null) throw new TypeError('not an argon2id hash');
  const [, memory, passes, parallelism, salt = '', tag = ''] = parts;
  const expected = Buffer.from(tag, 'base64');
  const actual = await inTurn(() =>
    derive('argon2id', {
      message: password,
      nonce: Buffer.from(salt, 'base64'),
      tagLength: expected.length,
      memory: Number(memory),
      passes: Number(passes),
      parallelism: Number(parallelism),
    }),
  );
  return timingSafeEqual(actual, expected);
}
