/** A doubly linked list with a map: the order of blocks, any one of which can be moved or taken out at once. */
import type { BlockKey } from './policy.ts';

export interface Entry {
  readonly key: BlockKey;
  readonly size: number;
  /** Hits since it entered this queue, or the policy's own mark. */
  uses: number;
  older: Entry | null;
  newer: Entry | null;
}

export class Queue {
  #entries = new Map<BlockKey, Entry>();
  #oldest: Entry | null = null;
  #newest: Entry | null = null;
  #size = 0;

  /** Sum of the sizes. */
  get size(): number {
    return this.#size;
  }

  get oldest(): Entry | null {
    return this.#oldest;
  }

  get newest(): Entry | null {
    return this.#newest;
  }

  get(key: BlockKey): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Enters at the newest end. */
  push(key: BlockKey, size: number, uses = 0): Entry {
    const entry: Entry = { key, size, uses, older: null, newer: null };
    this.#append(entry);
    this.#entries.set(key, entry);
    this.#size += size;
    return entry;
  }

  /** Takes out; false when it is not here. */
  delete(key: BlockKey): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#unlink(entry);
    this.#entries.delete(key);
    this.#size -= entry.size;
    return true;
  }

  /** Moves to the newest end; the entry's uses stay. */
  touch(key: BlockKey): void {
    const entry = this.#entries.get(key);
    if (!entry || entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  /** The oldest that may go, or null. */
  oldestWhere(canEvict: (key: BlockKey) => boolean): Entry | null {
    let entry = this.#oldest;
    while (entry && !canEvict(entry.key)) entry = entry.newer;
    return entry;
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
  }
}
