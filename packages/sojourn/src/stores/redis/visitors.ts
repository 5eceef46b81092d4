/** How long the count is taken as read, in milliseconds; what this process adds or takes is counted at once. */
const readFor = 1000;
/** A write that has not been heard of for so long does not come any more. */
const reservedFor = 10_000;

interface VisitorsParts {
  /** Asks the engine how many there are. */
  readonly count: () => Promise<number>;
  readonly elapsed?: () => number;
}

/** How many visitors' records there are, so that they stay under a bound without a trip for each. */
export class Visitors {
  readonly #count: () => Promise<number>;
  readonly #elapsed: () => number;
  #read: { readonly at: number; readonly count: Promise<number> } | null = null;
  /** What this process has added since. */
  #since = 0;
  /** Ids on their way to the engine, and since when: the count may not have them yet. */
  readonly #reserved = new Map<string, number>();

  constructor({ count, elapsed = () => performance.now() }: VisitorsParts) {
    this.#count = count;
    this.#elapsed = elapsed;
  }

  /** How many others there are. This one is counted from now on, if they are fewer than `most`. */
  async reserve(id: string, most: number): Promise<number> {
    const stored = await this.#stored();
    const others = stored + this.#since + this.#reserved.size - (this.#reserved.has(id) ? 1 : 0);
    if (others < most) this.#reserved.set(id, this.#elapsed());
    return others;
  }

  /** The write of these ids was answered, and has changed the count by so many. */
  settled(ids: readonly string[], change: number): void {
    for (const id of ids) this.#reserved.delete(id);
    this.#since += change;
  }

  #stored(): Promise<number> {
    const now = this.#elapsed();
    if (this.#read !== null && now - this.#read.at <= readFor) return this.#read.count;
    for (const [id, at] of this.#reserved) if (now - at > reservedFor) this.#reserved.delete(id);
    this.#since = 0;
    const read = { at: now, count: this.#count() };
    this.#read = read;
    // Who waits for it is told, the next asks again.
    read.count.catch(() => {
      if (this.#read === read) this.#read = null;
    });
    return read.count;
  }
}
