import type { Announcements } from '../announcements.ts';

/** A look that is never answered, as over a connection that is dead, stands in for so many that are due. */
const longestLook = 40;
/** As long as changes are announced, this many looks are left out of each that is due. */
const leftOut = 3;
/** Announcements wake at once, then so often at most, in milliseconds. */
const wakeEvery = 20;

/**
 * Who is called after anything was written: at once by this process, by others when they announce it, or
 * at the next look. A look that finds what nobody had announced ends the trust in announcements.
 */
export class Watchers {
  readonly #look: () => Promise<string>;
  readonly #every: number;
  readonly #announcements: Announcements;
  readonly #watchers = new Set<() => void>();
  #stopListening: (() => void) | null = null;
  #poll: NodeJS.Timeout | null = null;
  #last = '';
  /** How many looks were due since the one that is under way; 0: none is. */
  #due = 0;
  /** Something was announced since the last change that a look has found. */
  #told = false;
  #trusted = false;
  #ticks = 0;
  #woken: NodeJS.Timeout | null = null;
  #wakeAgain = false;

  constructor(look: () => Promise<string>, every: number, announcements: Announcements) {
    this.#look = look;
    this.#every = every;
    this.#announcements = announcements;
  }

  add(changed: () => void): () => void {
    this.#watchers.add(changed);
    this.#stopListening ??= this.#announcements.listen(() => this.#heard());
    this.#poll ??= setInterval(() => this.#tick(), this.#every).unref();
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
    this.#stopListening?.();
    this.#stopListening = null;
    if (this.#poll) clearInterval(this.#poll);
    this.#poll = null;
    this.#trusted = false;
  }

  #heard(): void {
    this.#told = true;
    this.#trusted = true;
    this.#wake();
  }

  #wake(): void {
    this.#wakeAgain = this.#woken !== null;
    if (this.#woken) return;
    this.#woken = setTimeout(() => {
      this.#woken = null;
      if (this.#wakeAgain) this.#wake();
    }, wakeEvery).unref();
    this.changed();
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#trusted && this.#announcements.standing && this.#ticks <= leftOut) return;
    this.#ticks = 0;
    void this.#lookOnce();
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
    this.#trusted &&= this.#told;
    this.#told = false;
    this.changed();
  }
}
