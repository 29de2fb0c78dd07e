/**
 * The block table of one sequence: logical blocks to physical ones, and the slots that new tokens take.
 *
 * Tables share blocks through `fork`. The one block that may be both shared and still filling is the last one; appending
 * to it copies it first (copy-on-write). The copy comes back as a move for the GPU, which has to run before the append
 * writes its words.
 */
import { blocksForTokens } from './bytes.ts';
import type { BlockId, BlockMove, BlockPool, PoolFull } from './pool.ts';

export type Appended =
  | {
      readonly kind: 'ok';
      /** Slot of each new token: block·blockSize + offset. */
      readonly slots: readonly number[];
      /** Copies that must be done before the slots are written; at most one. */
      readonly copies: readonly BlockMove[];
    }
  | PoolFull;

export class BlockTable {
  readonly pool: BlockPool;
  readonly blockSize: number;
  #blocks: BlockId[];
  #tokens: number;

  constructor(pool: BlockPool, blockSize: number) {
    this.pool = pool;
    this.blockSize = blockSize;
    this.#blocks = [];
    this.#tokens = 0;
  }

  get blocks(): readonly BlockId[] {
    return this.#blocks;
  }

  /** Tokens whose slots are taken. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Blocks that `append(count)` would take from the pool, the copy of a shared tail included. */
  blocksNeeded(count: number): number {
    if (count === 0) return 0;
    const grown = blocksForTokens(this.#tokens + count, this.blockSize) - this.#blocks.length;
    return grown + (this.#sharedTail() === null ? 0 : 1);
  }

  canAppend(count: number): boolean {
    return this.pool.canAllocate(this.blocksNeeded(count));
  }

  /** Takes slots for `count` tokens, or refuses and changes nothing. */
  append(count: number): Appended {
    const needed = this.blocksNeeded(count);
    const allocation = this.pool.allocate(needed);
    if (allocation.kind === 'full') return allocation;
    const fresh = [...allocation.blocks];
    const copies = count === 0 ? [] : this.#copySharedTail(fresh);
    this.#blocks.push(...fresh);
    const slots = Array.from({ length: count }, (_, i) => this.slotOf(this.#tokens + i));
    this.#tokens += count;
    return { kind: 'ok', slots, copies };
  }

  /** Slot of a token by its position. @throws RangeError beyond the table's blocks. */
  slotOf(position: number): number {
    const block = this.#blocks[Math.floor(position / this.blockSize)];
    if (block === undefined || position < 0) {
      throw new RangeError(`Position ${position} is outside the table's ${this.#blocks.length} blocks.`);
    }
    return block * this.blockSize + (position % this.blockSize);
  }

  /** A table with the first `tokens` tokens of this one, on the same blocks. */
  fork(tokens = this.#tokens): BlockTable {
    if (tokens < 0 || tokens > this.#tokens) {
      throw new RangeError(`A fork of ${tokens} tokens was asked of a table of ${this.#tokens}.`);
    }
    const fork = new BlockTable(this.pool, this.blockSize);
    fork.#blocks = this.#blocks.slice(0, blocksForTokens(tokens, this.blockSize));
    fork.#tokens = tokens;
    for (const block of fork.#blocks) this.pool.retain(block);
    return fork;
  }

  /** Drops tokens from the end and gives the blocks back that hold none any more. */
  truncate(tokens: number): void {
    if (tokens < 0 || tokens > this.#tokens) {
      throw new RangeError(`A table of ${this.#tokens} tokens cannot be cut to ${tokens}.`);
    }
    const kept = blocksForTokens(tokens, this.blockSize);
    for (const block of this.#blocks.splice(kept).reverse()) this.pool.release(block);
    this.#tokens = tokens;
  }

  /**
   * Keeps the blocks at these places of the table, in order, and gives the others back. Only the last block may be
   * partial, so it must be among them.
   * @throws RangeError where it is not.
   */
  keepBlocks(places: readonly number[]): void {
    const last = this.#blocks.length - 1;
    if (last >= 0 && places.at(-1) !== last) {
      throw new RangeError(`Block ${last} of the table is its newest and must be kept.`);
    }
    const kept = new Set(places);
    const dropped = this.#blocks.filter((_, place) => !kept.has(place));
    this.#blocks = this.#blocks.filter((_, place) => kept.has(place));
    this.#tokens -= dropped.length * this.blockSize;
    for (const block of dropped.reverse()) this.pool.release(block);
  }

  /** Gives every block back, last first. The table may be used again. */
  free(): void {
    this.truncate(0);
  }

  /** Replaces ids after blocks have moved; the pool's references must have moved already. */
  relocate(moves: ReadonlyMap<BlockId, BlockId>): void {
    this.#blocks = this.#blocks.map((block) => moves.get(block) ?? block);
  }

  /**
   * Writes the table's row for the GPU: physical ids, then `padding` to the end of `row`.
   * @throws RangeError where the row is shorter than the table.
   */
  writeRow(row: Uint32Array, padding = 0): void {
    if (row.length < this.#blocks.length) {
      throw new RangeError(
        `The row has room for ${row.length} blocks; the table has ${this.#blocks.length}.`,
      );
    }
    row.fill(padding);
    row.set(this.#blocks);
  }

  /** The last block when it is shared and has free slots. */
  #sharedTail(): BlockId | null {
    const last = this.#blocks.at(-1);
    if (last === undefined || this.#tokens % this.blockSize === 0) return null;
    return this.pool.isShared(last) ? last : null;
  }

  /** Puts the first of `fresh` in the place of a shared tail. */
  #copySharedTail(fresh: BlockId[]): BlockMove[] {
    const from = this.#sharedTail();
    const to = from === null ? undefined : fresh.shift();
    if (from === null || to === undefined) return [];
    this.#blocks[this.#blocks.length - 1] = to;
    this.pool.release(from);
    return [{ from, to }];
  }
}
