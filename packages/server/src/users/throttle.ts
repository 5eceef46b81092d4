import { hash } from 'node:crypto';

/** Failures that cost nothing, for people who mistype. */
const free = 5;
const firstWait = 1000;
const longestWait = 15 * 60_000;
/** A count is forgotten this long after its last failure. */
const memory = 60 * 60_000;
/** One address may fail this often an hour over all names. */
const perAddress = 100;
/** SP 800-63B-4 §3.2.2: at most 100 failures in a row on one account, from addresses that never got in. */
const perAccount = 100;
const mostEntries = 50_000;

interface Count {
  failures: number;
  last: number;
}

/**
 * Slows guessing down: per account and address the wait doubles, per address and per account there is
 * a bound. An address from which the account signed in before is not held up by what others do to it,
 * so nobody can lock somebody else out. Says the same for names that do not exist.
 */
export class Throttle {
  readonly #now: () => number;
  readonly #counts = new Map<string, Count>();
  readonly #known = new Map<string, number>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Milliseconds to wait before this name may be tried from this address. 0: it may now, and counts as
   * a failure until `succeeded`, so that attempts sent at once do not all pass.
   */
  attempt(name: string, address: string): number {
    const wait = this.#wait(name, address);
    if (wait === 0) this.#fail(name, address);
    return wait;
  }

  #wait(name: string, address: string): number {
    const pair = this.#count(pairKey(name, address));
    const wait = pair.failures < free ? 0 : Math.min(longestWait, firstWait * 2 ** (pair.failures - free));
    return Math.max(
      0,
      pair.last + wait - this.#now(),
      this.#bound(`address ${address}`, perAddress),
      this.#known.has(pairKey(name, address)) ? 0 : this.#bound(accountKey(name), perAccount),
    );
  }

  #fail(name: string, address: string): void {
    for (const key of [pairKey(name, address), `address ${address}`, accountKey(name)]) {
      const count = this.#count(key);
      this.#remember(this.#counts, key, { failures: count.failures + 1, last: this.#now() });
    }
  }

  /** The attempt just made was a right one, so it does not count; on the account, neither do those before it. */
  succeeded(name: string, address: string): void {
    this.#counts.delete(pairKey(name, address));
    this.#counts.delete(accountKey(name));
    const { failures, last } = this.#count(`address ${address}`);
    this.#remember(this.#counts, `address ${address}`, { failures: Math.max(0, failures - 1), last });
    this.#remember(this.#known, pairKey(name, address), this.#now());
  }

  #bound(key: string, most: number): number {
    const { failures, last } = this.#count(key);
    return failures < most ? 0 : last + longestWait - this.#now();
  }

  #count(key: string): Count {
    const count = this.#counts.get(key);
    return count && this.#now() - count.last < memory ? count : { failures: 0, last: 0 };
  }

  /** Newest last; over the bound the oldest goes. */
  #remember<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    const [oldest] = map.keys();
    if (map.size > mostEntries && oldest !== undefined) map.delete(oldest);
  }
}

function pairKey(name: string, address: string): string {
  return `pair ${digestOf(name)} ${address}`;
}

function accountKey(name: string): string {
  return `account ${digestOf(name)}`;
}

/** In the name's place: anybody may send one as long as a form can be, and thousands are kept. */
function digestOf(name: string): string {
  return hash('sha256', name.toLowerCase(), 'base64url');
}
