/**
 * Which blocks hold contents that can be found again, by block id (a chained hash: equal ids, equal text up to there).
 *
 * Tables are append-only, as in vLLM: when two sequences compute the same text at once, both copies stay and the older
 * one answers. Boundary: contents only. Who refers to a block, and which one goes, is the block manager's.
 */

const NONE = -1;

export class CachedBlocks {
  /** Oldest block of each id. */
  #first = new Map<number, number>();
  /** Block → id it holds. */
  #idOf: Int32Array;
  /** Block → next younger block with the same id. */
  #twin: Int32Array;

  constructor(numBlocks: number) {
    this.#idOf = new Int32Array(numBlocks).fill(NONE);
    this.#twin = new Int32Array(numBlocks).fill(NONE);
  }

  /** Number of different ids. */
  get size(): number {
    return this.#first.size;
  }

  /** The block that holds `id`, or −1. */
  find(id: number): number {
    return this.#first.get(id) ?? NONE;
  }

  /** The id that a block holds, or −1. */
  idOf(block: number): number {
    return this.#idOf[block] ?? NONE;
  }

  insert(id: number, block: number): void {
    this.#idOf[block] = id;
    let at = this.#first.get(id);
    if (at === undefined) {
      this.#first.set(id, block);
      return;
    }
    for (let next = this.#twin[at] ?? NONE; next !== NONE; next = this.#twin[at] ?? NONE) at = next;
    this.#twin[at] = block;
  }

  /** Forgets what a block holds. */
  remove(block: number): void {
    const id = this.idOf(block);
    if (id === NONE) return;
    const younger = this.#twin[block] ?? NONE;
    let at = this.#first.get(id) ?? NONE;
    if (at !== block) {
      while (at !== NONE && this.#twin[at] !== block) at = this.#twin[at] ?? NONE;
      this.#twin[at] = younger;
    } else if (younger === NONE) this.#first.delete(id);
    else this.#first.set(id, younger);
    this.#twin[block] = NONE;
    this.#idOf[block] = NONE;
  }
}
