/**
 * What a tier below the GPU's memory holds: block contents by id, least recently used ones leave first.
 *
 * Boundary: which ids, and since when. Bandwidth, latency and queueing are src/sim/tiers.ts; the bytes themselves are
 * nowhere.
 */
import { Queue } from '../eviction/blocks/queue.ts';

export class TierStore {
  readonly capacityBlocks: number;
  /** An entry's `uses` is the time from which it can be read. */
  #queue = new Queue();

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
    return this.#queue.size;
  }

  /** Whether the contents are here or on their way. */
  has(id: number): boolean {
    return this.#queue.get(id) !== undefined;
  }

  /** Whether the contents can be read at a time. */
  isReady(id: number, nowMs: number): boolean {
    return (this.#queue.get(id)?.uses ?? Infinity) <= nowMs;
  }

  /** The contents were used. */
  touch(id: number): void {
    this.#queue.touch(id);
  }

  /** Stores contents that can be read from `readyMs` on. Returns the id that had to leave, or −1. */
  put(id: number, readyMs: number): number {
    this.#queue.delete(id);
    const oldest = this.size >= this.capacityBlocks ? this.#queue.oldest : null;
    if (oldest) this.#queue.delete(oldest.key);
    this.#queue.push(id, 1, readyMs);
    return oldest ? Number(oldest.key) : -1;
  }

  /** Ids from the next to leave to the last used. */
  ids(): number[] {
    const ids: number[] = [];
    for (let entry = this.#queue.oldest; entry; entry = entry.newer) ids.push(Number(entry.key));
    return ids;
  }
}
