/**
 * The blocks of a KVPool: who refers to each, and how many of those keep it from being evicted.
 *
 * A block's ids are handed out lowest-numbered-first among those given back, so they stay below the number of blocks
 * that were ever in use at once: with one dtype they can be places in a buffer.
 */
import type { TierBooks } from './kv-pool-tier.ts';

export interface PoolBlock {
  readonly id: number;
  readonly books: TierBooks;
  /** Token slots. */
  readonly slots: number;
  /** In the budget's unit. */
  readonly amount: number;
  references: number;
  /** References of handles that are in use or pinned. */
  held: number;
}

export class PoolBlocks {
  #returned: number[] = [];
  #next = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A block without references; the tier must have room. */
  create(books: TierBooks, slots: number, amount: number): PoolBlock {
    books.take(amount);
    this.#count++;
    return { id: this.#returned.pop() ?? this.#next++, books, slots, amount, references: 0, held: 0 };
  }

  /** One reference more. @param holds whether it keeps the block from being evicted */
  refer(block: PoolBlock, holds: boolean): void {
    if (holds) {
      // Others that refer to it were idle until now.
      if (block.references > 0 && block.held === 0) block.books.reclaim(-block.amount);
      block.held++;
    } else if (block.references === 0) block.books.reclaim(block.amount);
    block.references++;
  }

  /** One reference less; the last one gives the block back. @returns what the tier got back */
  unrefer(block: PoolBlock, holds: boolean): number {
    if (holds) this.unhold(block);
    block.references--;
    if (block.references > 0) return 0;
    block.books.reclaim(-block.amount);
    block.books.give(block.amount);
    this.#returned.push(block.id);
    this.#count--;
    return block.amount;
  }

  /** A reference begins to keep the block. */
  hold(block: PoolBlock): void {
    if (block.held === 0) block.books.reclaim(-block.amount);
    block.held++;
  }

  /** A reference no longer keeps the block. */
  unhold(block: PoolBlock): void {
    block.held--;
    if (block.held === 0) block.books.reclaim(block.amount);
  }
}
