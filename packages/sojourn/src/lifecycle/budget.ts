import type { Clock } from './ports.ts';

const minute = 60_000;
/** Addresses counted in one minute; beyond it all others share one count. */
const mostAddresses = 100_000;

/** How many new visitors' records one address may cause in a minute, in this process. */
export class AnonymousBudget {
  readonly #clock: Clock;
  readonly #perMinute: number;
  #minute = 0;
  #counts = new Map<string, number>();
  /** Visitors served without a record, since the start. */
  refused = 0;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Takes one from the address's budget; `false` when it is spent. An unknown address has none to spend. */
  take(address: string | null): boolean {
    if (address === null) return true;
    const minuteNow = Math.floor(this.#clock.now() / minute);
    if (minuteNow !== this.#minute) {
      this.#minute = minuteNow;
      this.#counts = new Map();
    }
    const whole = neighbourhood(address);
    const key = this.#counts.has(whole) || this.#counts.size < mostAddresses ? whole : '';
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#perMinute) {
      this.refused += 1;
      return false;
    }
    this.#counts.set(key, count + 1);
    return true;
  }
}

/**
 * The network of an address: IPv4 as given (or /24 with `truncate`), IPv6 its first `groups` groups of
 * 16 bits. An IPv4 address mapped into IPv6 is that IPv4 address.
 */
function network(address: string, groups: number, truncate = false): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const text = mapped ?? address;
  if (!text.includes(':')) return truncate ? `${text.split('.').slice(0, 3).join('.')}.0/24` : text;
  const [head = '', tail] = text.replace(/%.*/s, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const all = [...left, ...middle, ...right].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
  return `${all.slice(0, groups).join(':')}::/${groups * 16}`;
}

/** Whose an address is: with IPv6 one person has a whole /64 to choose from. */
export function neighbourhood(address: string): string {
  return network(address, 4);
}

/** An address as the device list keeps it: /24 of IPv4, /48 of IPv6. */
export function truncateAddress(address: string): string {
  return network(address, 3, true);
}
