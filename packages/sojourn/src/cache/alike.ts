/** Different texts remembered at once; where there are more, it begins anew. */
const most = 4096;

/**
 * What very many sessions have alike (a role's permissions, a browser's name) once in memory. It makes an entry
 * smaller by a fifth, and what each request reads stays in the processor's cache.
 */
export class Alike {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();

  text(value: string): string {
    return this.#once(this.#texts, value, () => value);
  }

  /** Frozen, as whoever holds it shares it. */
  list(value: readonly string[]): readonly string[] {
    return this.#once(this.#lists, JSON.stringify(value), () => Object.freeze([...value]));
  }

  #once<T>(known: Map<string, T>, key: string, make: () => T): T {
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= most) known.clear();
    const made = make();
    known.set(key, made);
    return made;
  }
}
