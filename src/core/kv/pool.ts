/**
 * The block pool: which physical blocks are free, and how many tables refer to each of the others.
 *
 * Invariant, said by `check()`: every block is free xor referenced.
 *
 * Allocation order (a contract, tested as literal lists): free blocks stand in one queue. `allocate` takes from the
 * head; a block whose last reference goes is appended at the tail, so the block that has been free for longest is reused
 * first and contents live on as long as they can (for a prefix cache, `touch` takes a free block back by its id). A new
 * pool's queue is 0, 1, 2 …; a table that is freed gives its blocks back last block first, so that the tail of a
 * sequence is lost before its head. (vLLM v1/core/block_pool.py@001cabc)
 *
 * Boundary: ids and counts only. What a block holds, and the copies that sharing asks for, are in block-table.ts.
 */

declare const blockId: unique symbol;
/** A physical block: its index in the pool's buffer. */
export type BlockId = number & { readonly [blockId]: true };

/** A refusal: nothing was changed. */
export interface PoolFull {
  readonly kind: 'full';
  readonly needed: number;
  readonly free: number;
}

export type Allocation = { readonly kind: 'ok'; readonly blocks: readonly BlockId[] } | PoolFull;

/** One block's words copied to another block of the same pool. */
export interface BlockMove {
  readonly from: BlockId;
  readonly to: BlockId;
}

const NONE = -1;

export class BlockPool {
  readonly numBlocks: number;
  #references: Uint32Array;
  // The free queue as a doubly linked list, so that `touch` unlinks in constant time.
  #next: Int32Array;
  #previous: Int32Array;
  #head = NONE;
  #tail = NONE;
  #numFree = 0;

  /** @throws RangeError unless there is at least one block. */
  constructor(numBlocks: number) {
    if (!Number.isInteger(numBlocks) || numBlocks < 1) {
      throw new RangeError(
        `A pool of ${numBlocks} blocks was asked for; a whole number of at least 1 is needed.`,
      );
    }
    this.numBlocks = numBlocks;
    this.#references = new Uint32Array(numBlocks);
    this.#next = new Int32Array(numBlocks).fill(NONE);
    this.#previous = new Int32Array(numBlocks).fill(NONE);
    for (let block = 0; block < numBlocks; block++) this.#appendFree(block);
  }

  get numFreeBlocks(): number {
    return this.#numFree;
  }

  /** Blocks with at least one reference. */
  get numUsedBlocks(): number {
    return this.numBlocks - this.#numFree;
  }

  canAllocate(count: number): boolean {
    return count <= this.#numFree;
  }

  /** `count` blocks with one reference each, or a refusal. */
  allocate(count: number): Allocation {
    if (!this.canAllocate(count)) return { kind: 'full', needed: count, free: this.#numFree };
    const blocks: BlockId[] = [];
    for (let i = 0; i < count; i++) {
      const block = this.#head;
      this.#unlinkFree(block);
      this.#references[block] = 1;
      blocks.push(block as BlockId);
    }
    return { kind: 'ok', blocks };
  }

  /** The head of the free queue with one reference: `allocate(1)` without the list. @throws Error when none is free. */
  take(): BlockId {
    const block = this.#head;
    if (block === NONE) throw new Error(`All ${this.numBlocks} blocks are in use; ask canAllocate first.`);
    this.#unlinkFree(block);
    this.#references[block] = 1;
    return block as BlockId;
  }

  references(block: BlockId): number {
    return this.#references[this.#checked(block)] ?? 0;
  }

  /** True when more than one table refers to the block, so that a write needs a copy first. */
  isShared(block: BlockId): boolean {
    return this.references(block) > 1;
  }

  /** One more reference to a block that is in use. @throws Error when the block is free. */
  retain(block: BlockId): void {
    if (this.references(block) === 0) throw new Error(`Block ${block} is free and cannot be shared.`);
    this.#references[block] = this.references(block) + 1;
  }

  /** One more reference to a block that is in use or free: a prefix cache found its old contents. */
  touch(block: BlockId): void {
    if (this.references(block) === 0) this.#unlinkFree(block);
    this.#references[block] = this.references(block) + 1;
  }

  /** One reference less; the last one frees the block. @throws Error when the block is free already. */
  release(block: BlockId): void {
    const references = this.references(block);
    if (references === 0) throw new Error(`Block ${block} was freed twice.`);
    this.#references[block] = references - 1;
    if (references === 1) this.#appendFree(block);
  }

  /** As `release`, but a block that becomes free is the next to be given out: it holds nothing that anybody looks for. */
  releaseFirst(block: BlockId): void {
    this.release(block);
    if (this.#references[block] !== 0) return;
    this.#unlinkFree(block);
    this.#prependFree(block);
  }

  /** A block's references go over to a free block, as its words do. @throws Error unless `from` is used and `to` free. */
  relocate({ from, to }: BlockMove): void {
    const references = this.references(from);
    if (references === 0 || this.references(to) > 0) {
      throw new Error(
        `Block ${from} (${references} references) cannot move to block ${to}, which must be free.`,
      );
    }
    this.#unlinkFree(to);
    this.#references[to] = references;
    this.#references[from] = 0;
    this.#appendFree(from);
  }

  /** The free queue, head first. */
  freeBlocks(): BlockId[] {
    const blocks: BlockId[] = [];
    for (let block = this.#head; block !== NONE; block = this.#next[block] ?? NONE)
      blocks.push(block as BlockId);
    return blocks;
  }

  /**
   * Every block is free xor referenced, and the queue is whole.
   * @param tables When given, the block lists of all tables: references must add up to theirs.
   * @throws Error that names the first block for which this does not hold.
   */
  check(tables?: Iterable<{ readonly blocks: readonly BlockId[] }>): void {
    const free = new Set(this.freeBlocks());
    if (free.size !== this.#numFree)
      throw new Error(`${free.size} blocks are queued, but ${this.#numFree} counted free.`);
    for (let block = 0; block < this.numBlocks; block++) {
      const references = this.#references[block] ?? 0;
      if (free.has(block as BlockId) === references > 0) {
        throw new Error(
          `Block ${block} has ${references} references and is ${references > 0 ? '' : 'not '}free.`,
        );
      }
    }
    if (tables) this.#checkTables(tables);
  }

  #checkTables(tables: Iterable<{ readonly blocks: readonly BlockId[] }>): void {
    const counted = new Uint32Array(this.numBlocks);
    for (const { blocks } of tables) for (const block of blocks) counted[block] = (counted[block] ?? 0) + 1;
    counted.forEach((count, block) => {
      const references = this.#references[block];
      if (count !== references)
        throw new Error(`Block ${block} stands in ${count} tables but has ${references} references.`);
    });
  }

  #checked(block: BlockId): number {
    if (!Number.isInteger(block) || block < 0 || block >= this.numBlocks) {
      throw new RangeError(`Block ${block} is outside the pool of ${this.numBlocks} blocks.`);
    }
    return block;
  }

  #appendFree(block: number): void {
    this.#previous[block] = this.#tail;
    this.#next[block] = NONE;
    if (this.#tail === NONE) this.#head = block;
    else this.#next[this.#tail] = block;
    this.#tail = block;
    this.#numFree++;
  }

  #prependFree(block: number): void {
    this.#previous[block] = NONE;
    this.#next[block] = this.#head;
    if (this.#head === NONE) this.#tail = block;
    else this.#previous[this.#head] = block;
    this.#head = block;
    this.#numFree++;
  }

  #unlinkFree(block: number): void {
    const next = this.#next[block] ?? NONE;
    const previous = this.#previous[block] ?? NONE;
    if (previous === NONE) this.#head = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tail = previous;
    else this.#previous[next] = previous;
    this.#numFree--;
  }
}
