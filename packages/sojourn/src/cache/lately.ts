const slots = 2 ** 16;

/** Which of very many ids were asked for lately, by a mark each; the next one of the same slot takes its place. */
export class Lately {
  readonly #marks = new Uint32Array(slots);

  /** Whether this id was; from now on it is. Two ids in four thousand million have one mark: then a stranger gets its room. */
  again(id: string): boolean {
    const mark = markOf(id);
    const slot = mark % slots;
    if (this.#marks[slot] === mark) return true;
    this.#marks[slot] = mark;
    return false;
  }
}

/** FNV-1a. The ids are random and the engine's own, so nobody chooses theirs to meet. */
function markOf(id: string): number {
  let mark = 0x811c9dc5;
  for (let place = 0; place < id.length; place++) mark = Math.imul(mark ^ id.charCodeAt(place), 0x01000193);
  return mark >>> 0;
}
