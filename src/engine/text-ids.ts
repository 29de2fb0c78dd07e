/**
 * Names for the contents of full blocks: equal numbers mean equal text up to the block's end. Exact, by interning the
 * tokens themselves under the block before, so there is no collision to think of.
 */
export class TextIds {
  readonly #blockSize: number;
  readonly #ids = new Map<string, number>();

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  /** An id for each full block of the text, from the first on. */
  blocksOf(tokens: readonly number[]): number[] {
    const ids: number[] = [];
    let before = -1;
    for (let end = this.#blockSize; end <= tokens.length; end += this.#blockSize) {
      const key = `${before}:${tokens.slice(end - this.#blockSize, end).join(',')}`;
      let id = this.#ids.get(key);
      if (id === undefined) this.#ids.set(key, (id = this.#ids.size));
      ids.push(id);
      before = id;
    }
    return ids;
  }

  /** Each name with the block before it (−1: none) and its own tokens, in the order in which they were given out. */
  *texts(): Generator<{ readonly id: number; readonly before: number; readonly tokens: readonly number[] }> {
    for (const [key, id] of this.#ids) {
      const colon = key.indexOf(':');
      const tokens = key
        .slice(colon + 1)
        .split(',')
        .map(Number);
      yield { id, before: Number(key.slice(0, colon)), tokens };
    }
  }
}
