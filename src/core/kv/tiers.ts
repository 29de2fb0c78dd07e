/**
 * What a tier below the GPU's memory holds: block contents by id, least recently used ones leave first.
 *
 * Boundary: which ids, and since when. Bandwidth, latency and queueing are src/sim/tiers.ts; the bytes themselves are
 * nowhere.
 */

export class TierStore {
  readonly capacityBlocks: number;
  /** Id → time from which it can be read. A Map keeps the order of insertion: oldest use first. */
  #readyMs = new Map<number, number>();

  /** @throws RangeError unless there is room for at least one block. */
  constructor(capacityBlocks: number) {
    if (!(capacityBlocks >= 1)) {
      throw new RangeError(
        `A tier of ${capacityBlocks} blocks holds nothing; give it the size of one block or more.`,
      );
    }
    this.capacityBlocks = Math.floor(capacityBlocks);
  }

  get size(): number {
    return this.#readyMs.size;
  }

  /** Whether the contents are here or on their way. */
  has(id: number): boolean {
    return this.#readyMs.has(id);
  }

  /** Whether the contents can be read at a time. */
  isReady(id: number, nowMs: number): boolean {
    return (this.#readyMs.get(id) ?? Infinity) <= nowMs;
  }

  /** The contents were used. */
  touch(id: number): void {
    const readyMs = this.#readyMs.get(id);
    if (readyMs === undefined) return;
    this.#readyMs.delete(id);
    this.#readyMs.set(id, readyMs);
  }

  /** Stores contents that can be read from `readyMs` on. Returns the id that had to leave, or −1. */
  put(id: number, readyMs: number): number {
    this.#readyMs.delete(id);
    let evicted = -1;
    if (this.#readyMs.size >= this.capacityBlocks) {
      for (const oldest of this.#readyMs.keys()) {
        evicted = oldest;
        break;
      }
      this.#readyMs.delete(evicted);
    }
    this.#readyMs.set(id, readyMs);
    return evicted;
  }

  /** Ids from the next to leave to the last used. */
  ids(): number[] {
    return [...this.#readyMs.keys()];
  }
}
