/**
 * The block tables of one group of layers: for each request the blocks that it still needs, in the order of its tokens,
 * and how many blocks of it are gone from the front (a window has left them) or from anywhere (they were dropped).
 *
 * Boundary: lists and counts; blocks are taken and given back by the block manager.
 */
import { goneBlocks, spannedBlocks, type BlockGroup } from './block-groups.ts';
import type { BlockId } from './pool.ts';

const NO_BLOCKS: readonly BlockId[] = [];
/** In `numCached` of a request that dropped blocks: more than a table has. */
const NEVER_AGAIN = 2 ** 31 - 1;

export class GroupTables {
  readonly group: BlockGroup;
  readonly index: number;
  /** Blocks of the engine's size in one of this group. */
  readonly ratio: number;
  #tables: (BlockId[] | undefined)[];
  /** Leading blocks of each text that are in the cache already. */
  #numCached: Int32Array;
  /** Blocks that are gone, request by request; made when the first goes. */
  #gone: Int32Array | null = null;
  #numGone = 0;
  #numBlocks = 0;

  constructor(group: BlockGroup, index: number, engineBlockSize: number, rows: number) {
    this.group = group;
    this.index = index;
    this.ratio = group.blockSize / engineBlockSize;
    this.#tables = new Array<BlockId[] | undefined>(rows);
    this.#numCached = new Int32Array(rows);
  }

  /** Entries of all tables. */
  get numBlocks(): number {
    return this.#numBlocks;
  }

  /** Blocks of running requests that are gone. */
  get numGone(): number {
    return this.#numGone;
  }

  of(request: number): readonly BlockId[] {
    return this.#tables[request] ?? NO_BLOCKS;
  }

  has(request: number): boolean {
    return this.#tables[request] !== undefined;
  }

  gone(request: number): number {
    return this.#gone?.[request] ?? 0;
  }

  /** Blocks that a request lacks for `tokens` tokens. */
  missing(request: number, tokens: number): number {
    const have = this.gone(request) + (this.#tables[request]?.length ?? 0);
    return Math.max(0, spannedBlocks(this.group, tokens) - have);
  }

  /** An empty table that begins behind `gone` blocks. */
  open(request: number, gone: number): void {
    this.#tables[request] = [];
    if (gone > 0) this.#countGone(request, gone);
  }

  push(request: number, block: BlockId): void {
    this.#tables[request]?.push(block);
    this.#numBlocks++;
  }

  /** Takes out the leading blocks that nobody sees any more: the last of them first, as they are to be given back. */
  leave(request: number, computed: number): readonly BlockId[] {
    const count = goneBlocks(this.group, computed) - this.gone(request);
    const table = this.#tables[request];
    if (count <= 0 || !table) return NO_BLOCKS;
    const left = table.splice(0, count);
    this.#numBlocks -= left.length;
    this.#countGone(request, count);
    return left.reverse();
  }

  /**
   * Takes blocks out of the middle: the last of them first.
   * @throws RangeError for a place outside of the table, or one named twice; nothing is changed then
   */
  drop(request: number, places: readonly number[]): readonly BlockId[] {
    const table = this.#tables[request] ?? [];
    const outside = places.find((place) => table[place] === undefined);
    if (outside !== undefined) {
      throw new RangeError(
        `Block ${outside} of request ${request} cannot be dropped: its table has ${table.length} blocks.`,
      );
    }
    const gone = new Set(places);
    if (gone.size < places.length)
      throw new RangeError(`A block of request ${request} was named twice: ${places.join(', ')}.`);
    const dropped = table.filter((_, place) => gone.has(place));
    this.#tables[request] = table.filter((_, place) => !gone.has(place));
    this.#numBlocks -= dropped.length;
    this.#countGone(request, dropped.length);
    this.#numCached[request] = NEVER_AGAIN;
    return dropped.reverse();
  }

  /** The inverse of `drop`. @param places ascending, in the table as it will be */
  restore(request: number, places: readonly number[], blocks: readonly BlockId[]): void {
    const table = this.#tables[request];
    if (!table) throw new RangeError(`Request ${request} has no table that blocks could go back to.`);
    places.forEach((place, i) => table.splice(place, 0, blocks[i] ?? (0 as BlockId)));
    this.#numBlocks += places.length;
    this.#countGone(request, -places.length);
  }

  /** Ends a table: its blocks, last first. */
  close(request: number): readonly BlockId[] {
    const table = this.#tables[request] ?? [];
    this.#tables[request] = undefined;
    this.#numCached[request] = 0;
    this.#numBlocks -= table.length;
    if (this.#gone) this.#countGone(request, -this.gone(request));
    return table.reverse();
  }

  numCached(request: number): number {
    return this.#numCached[request] ?? 0;
  }

  setCached(request: number, blocks: number): void {
    this.#numCached[request] = blocks;
  }

  /** Slots that hold no token while the requests have `tokens` computed ones; those of gone blocks cancel out. */
  wastedSlots(tokens: number): number {
    const { keeps, blockSize } = this.group;
    return keeps.kind === 'state' ? 0 : (this.#numBlocks + this.#numGone) * blockSize - tokens;
  }

  lists(): { readonly blocks: readonly BlockId[] }[] {
    return this.#tables.filter((table) => table !== undefined).map((blocks) => ({ blocks }));
  }

  /** @throws Error where a count is not what the tables say */
  check(): void {
    const inTables = this.#tables.reduce((sum, table) => sum + (table?.length ?? 0), 0);
    if (inTables !== this.#numBlocks)
      throw new Error(`Tables have ${inTables} entries, but ${this.#numBlocks} were counted.`);
    let sum = 0;
    (this.#gone ?? []).forEach((blocks, request) => {
      sum += blocks;
      if (blocks < 0 || (blocks > 0 && !this.#tables[request]))
        throw new Error(`${blocks} blocks of request ${request} are gone, which has no table.`);
    });
    if (sum !== this.#numGone) throw new Error(`${sum} blocks are gone, but ${this.#numGone} were counted.`);
  }

  #countGone(request: number, blocks: number): void {
    this.#gone ??= new Int32Array(this.#numCached.length);
    this.#gone[request] = (this.#gone[request] ?? 0) + blocks;
    this.#numGone += blocks;
  }
}
