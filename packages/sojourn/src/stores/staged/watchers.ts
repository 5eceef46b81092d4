/** Who is called after anything was written: at once by this process, by others at the next look. */
export class Watchers {
  readonly #look: () => Promise<string>;
  readonly #every: number;
  readonly #watchers = new Set<() => void>();
  #poll: NodeJS.Timeout | null = null;
  #last = '';

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
    const seen = await this.#look().catch(() => this.#last);
    if (seen === this.#last) return;
    this.#last = seen;
    this.changed();
  }
}
