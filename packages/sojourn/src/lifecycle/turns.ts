/** Writes that met one another go on one by one: at once, each would undo the others' work, and all begin anew. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs after those before it of the same key, however they ended. */
  take<T>(key: string, run: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(key) ?? Promise.resolve()).then(run);
    // Whoever asked is told of a failure; who waits behind goes on.
    const done = mine
      .catch(() => undefined)
      .then(() => {
        if (this.#last.get(key) === done) this.#last.delete(key);
      });
    this.#last.set(key, done);
    return mine;
  }
}
