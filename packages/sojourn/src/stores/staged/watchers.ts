/** A look that is never answered, as over a connection that is dead, stands in for so many that are due. */
const longestLook = 40;

/** Who is called after anything was written: at once by this process, by others at the next look. */
export class Watchers {
  readonly #look: () => Promise<string>;
  readonly #every: number;
  readonly #watchers = new Set<() => void>();
  #poll: NodeJS.Timeout | null = null;
  #last = '';
  /** How many looks were due since the one that is under way; 0: none is. */
  #due = 0;

  constructor(look: () => Promise<string>, every: number) {
    this.#look = look;
    this.#every = every;
  }

  add(changed: () => void): () => void {
    this.#watchers.add(changed);
    this.#poll ??= setInterval(() => void this.#lookOnce(), this.#every).unref();
    return () => {
      this.#watchers.delete(changed);
      if (this.#watchers.size === 0) this.stop();
    };
  }

  changed(): void {
    for (const changed of this.#watchers) changed();
  }

  stop(): void {
    this.#watchers.clear();
    if (this.#poll) clearInterval(this.#poll);
    this.#poll = null;
  }

  /** What cannot be asked now is asked at the next turn. */
  async #lookOnce(): Promise<void> {
    if (this.#due > 0 && this.#due < longestLook) {
      this.#due += 1;
      return;
    }
    this.#due = 1;
    const seen = await this.#look().catch(() => this.#last);
    this.#due = 0;
    if (seen === this.#last) return;
    this.#last = seen;
    this.changed();
  }
}
