import type { Beat } from '../lifecycle/ports.ts';

/*
 * Who commits announces it to the other processes: a short cut for near caches and for who waits for a
 * session's end. Any announcement may be lost, so nothing rests on them.
 */

type Changes = Beat['changed'];

/** The engine's time of a commit, and the sessions that it was about. */
export function announcement(at: number, ids: readonly string[]): string {
  return [at, ...ids].join(' ');
}

function announced(text: string): Changes {
  const [first, ...ids] = text.split(' ');
  const at = Number(first);
  return Number.isFinite(at) ? ids.filter((id) => id !== '').map((id) => ({ id, at })) : [];
}

/**
 * Hears what is announced until the attempt is aborted, then lets everything go; aborts it itself where
 * it does not hear any more. Resolves once it hears.
 */
export type Hear = (heard: (text: string) => void, attempt: AbortController) => Promise<void>;

/** Runs when the signal aborts, at once where it has. */
export function whenOver(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
}

/** How long until what was lost is tried again: longer each time. */
const pauses = { first: 100, longest: 5000 };

/** Hears as long as somebody listens, again where it was lost. Never keeps a process alive. */
export class Announcements {
  readonly #hear: Hear | null;
  readonly #listeners = new Set<(changes: Changes) => void>();
  #attempt: AbortController | null = null;
  #again: NodeJS.Timeout | null = null;
  #pause = pauses.first;
  /** As far as it is known, what is announced is heard. */
  standing = false;

  /** `null`: nothing is ever heard. */
  constructor(hear: Hear | null) {
    this.#hear = hear;
  }

  listen(changed: (changes: Changes) => void): () => void {
    const listener = (changes: Changes): void => changed(changes);
    this.#listeners.add(listener);
    if (this.#listeners.size === 1 && this.#hear) this.#begin(this.#hear);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    const attempt = this.#attempt;
    this.#listeners.clear();
    this.#attempt = null;
    this.standing = false;
    this.#pause = pauses.first;
    if (this.#again) clearTimeout(this.#again);
    attempt?.abort();
  }

  #begin(hear: Hear): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    whenOver(attempt.signal, () => this.#lost(attempt, hear));
    hear((text) => this.#heard(text), attempt).then(
      () => {
        if (this.#attempt !== attempt || attempt.signal.aborted) return;
        this.standing = true;
        this.#pause = pauses.first;
      },
      () => attempt.abort(),
    );
  }

  #lost(attempt: AbortController, hear: Hear): void {
    if (this.#attempt !== attempt) return;
    this.standing = false;
    this.#again = setTimeout(() => this.#begin(hear), this.#pause).unref();
    this.#pause = Math.min(2 * this.#pause, pauses.longest);
  }

  #heard(text: string): void {
    const changes = announced(text);
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes);
  }
}
