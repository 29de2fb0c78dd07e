/**
 * The KV cache of one engine: block tables of its sequences over one pool, with a prefix cache.
 *
 * Layers that keep alike are a group with tables of its own; all groups take from one pool. Most models have one group,
 * which keeps every token. Blocks that left a window are given back at the next step of their sequence, last one first
 * (`leave`); a sequence that ends gives its blocks back group by group, last block first: its tail is lost before its
 * head. In which order the blocks of others are evicted is said in block-store.ts. (vLLM v1/core/kv_cache_manager.py@001cabc)
 *
 * A block is cached when the step that fills it is scheduled, so a request admitted later in the same step finds it.
 * Requests are rows of a RequestTable; ids beyond a row's known ones are text that nobody shares, and are not cached.
 *
 * Boundary: ids and counts. When to allocate is the scheduler's.
 */
import type { RequestTable } from '../schedule/requests.ts';
import { heldBlocks, longestHeld, tickPhases, uniformGroup } from './block-groups.ts';
import type { BlockGroup, TickPhase } from './block-groups.ts';
import { BlockCredits } from './block-credits.ts';
import type { BlockManagerConfig } from './block-manager-config.ts';
import { BlockStore } from './block-store.ts';
import { GroupTables } from './group-tables.ts';
import { leastCommonMultiple } from './hybrid.ts';
import type { BlockId, BlockPool } from './pool.ts';
import { longestHit, startOf } from './prefix-hit.ts';

export type { BlockManagerConfig } from './block-manager-config.ts';

export class BlockManager {
  readonly pool: BlockPool;
  readonly blockSize: number;
  readonly prefixCaching: boolean;
  readonly groups: readonly BlockGroup[];
  #requests: RequestTable;
  #store: BlockStore;
  #tables: readonly GroupTables[];
  #first: GroupTables;
  /** One group that keeps every token. */
  #uniform: boolean;
  #stepTokens: number;
  /** Hits end at multiples of it. */
  #alignment: number;
  #credits: BlockCredits | null;
  /** Tokens that the last `lookup` found, and in one uniform group the blocks. */
  #hitTokens = 0;
  #hits: BlockId[] = [];

  constructor(config: BlockManagerConfig) {
    const { numBlocks, blockSize, requests, groups = [uniformGroup(blockSize)], policy, onBlock } = config;
    this.blockSize = blockSize;
    this.groups = groups;
    this.prefixCaching = config.prefixCaching && groups.every(({ keeps }) => keeps.kind !== 'state');
    this.#requests = requests;
    this.#store = new BlockStore({
      numBlocks,
      numGroups: groups.length,
      prefixCaching: this.prefixCaching,
      policy,
      onBlock,
    });
    this.pool = this.#store.pool;
    this.#tables = groups.map((group, index) => new GroupTables(group, index, blockSize, requests.size));
    const first = this.#tables[0];
    if (!first) throw new RangeError('A block manager needs a group of layers that keep something.');
    this.#first = first;
    this.#uniform = groups.length === 1 && groups[0]?.keeps.kind === 'all';
    this.#stepTokens = config.stepTokens ?? Infinity;
    const { spareBlocks = 0 } = config;
    this.#credits = spareBlocks > 0 ? new BlockCredits(this.#store, spareBlocks) : null;
    this.#alignment = groups.reduce((all, group) => leastCommonMultiple(all, group.blockSize || 1), 1);
  }

  /** Blocks that the memory holds. */
  get numBlocks(): number {
    return this.pool.numBlocks - (this.#credits?.spareBlocks ?? 0);
  }

  /**
   * Blocks that can be given out: nobody refers to them, whatever they hold. Below 0 where credits were taken back and
   * sequences hold more than there is memory for.
   */
  get numFreeBlocks(): number {
    return this.#store.numFree - (this.#credits?.debt ?? 0);
  }

  /** Those of them whose contents can be found again. */
  get numIdleCachedBlocks(): number {
    return this.#store.numIdle;
  }

  /** Blocks that a sequence refers to, less their credits. */
  get numActiveBlocks(): number {
    return this.numBlocks - this.#store.numFree + (this.#credits?.debt ?? 0);
  }

  /** Entries of all block tables: a shared block counts for each sequence. */
  get numTableBlocks(): number {
    return this.#tables.reduce((sum, { numBlocks }) => sum + numBlocks, 0);
  }

  /** When a decoding sequence needs a block or gives one up. */
  get tickPhases(): TickPhase[] {
    return tickPhases(this.groups);
  }

  /** Slots of active blocks that hold no token, in slots of the engine's size. @param runningTokens of all tables */
  wastedSlots(runningTokens: number): number {
    return this.#tables.reduce((sum, tables) => sum + tables.wastedSlots(runningTokens) / tables.ratio, 0);
  }

  /** Of all running requests. */
  get numDroppedTokens(): number {
    return this.#first.numGone * this.#first.group.blockSize;
  }

  /** Tokens of a request whose blocks were dropped: a multiple of the block size; in the first group. */
  droppedTokens(request: number): number {
    return this.#first.gone(request) * this.#first.group.blockSize;
  }

  /** A request's blocks in the order of its tokens, without those that are gone. Valid until it next changes. */
  blocksOf(request: number, group = 0): readonly BlockId[] {
    return this.#tables[group]?.of(request) ?? [];
  }

  /** Most blocks that a sequence refers to at once until it has so many tokens. */
  blocksFor(tokens: number): number {
    if (this.#uniform) return Math.ceil(tokens / this.blockSize);
    return heldBlocks(this.groups, tokens, this.#stepTokens);
  }

  /** The longest sequence that the pool holds. */
  get longestTokens(): number {
    const most = this.numBlocks * Math.max(this.blockSize, ...this.groups.map(({ blockSize }) => blockSize));
    return longestHeld(this.groups, this.numBlocks, this.#stepTokens, most);
  }

  /** Blocks that a request lacks for `tokens` tokens, those that are gone among them. */
  missingBlocks(request: number, tokens: number): number {
    if (this.#uniform) return this.#first.missing(request, tokens);
    return this.#tables.reduce((sum, tables) => sum + tables.missing(request, tokens), 0);
  }

  /**
   * Leading blocks (of the engine's size) of a request's text that the cache holds: at most those before its last token,
   * which is always computed. Remembered for the `admit` that follows.
   */
  lookup(request: number, tokens: number): number {
    this.#hits.length = 0;
    this.#hitTokens = 0;
    if (!this.prefixCaching) return 0;
    const { blockStart, blockIds } = this.#requests;
    const from = blockStart[request] ?? 0;
    const known = (blockStart[request + 1] ?? 0) - from;
    const most = Math.min(known, Math.floor((tokens - 1) / this.blockSize));
    if (this.#uniform) {
      for (let i = 0; i < most; i++) {
        const block = this.#store.find(blockIds[from + i] ?? -1, 0);
        if (block < 0) break;
        this.#hits.push(block as BlockId);
      }
      this.#hitTokens = this.#hits.length * this.blockSize;
    } else if (most > 0) {
      const has = (group: number, block: number) => this.#find(request, group, block) >= 0;
      this.#hitTokens = longestHit(this.groups, has, most * this.blockSize, this.#alignment);
    }
    return this.#hitTokens / this.blockSize;
  }

  /**
   * Gives a request the blocks that `lookup` found and new ones, `tokens` tokens in all. False, and nothing changed,
   * when less than that and `keepFree` blocks are free.
   * @param computed tokens that need no computing, those of a lower tier or of another replica among them; left out:
   *   what `lookup` found
   */
  admit(request: number, tokens: number, keepFree = 0, computed = this.#hitTokens): boolean {
    if (!this.#uniform) return this.#admitGroups(request, tokens, keepFree, computed);
    const hits = this.#hits;
    const fresh = this.blocksFor(tokens) - hits.length;
    let idle = 0;
    for (const block of hits) if (this.#store.isIdle(block)) idle++;
    if (fresh + idle + keepFree > this.numFreeBlocks) return false;
    this.#first.open(request, 0);
    this.#claim(this.#first, request, hits, 0);
    this.#extend(request, tokens);
    return true;
  }

  /** Gives a running request blocks for `tokens` tokens in all. False, and nothing changed, when they are not free. */
  grow(request: number, tokens: number): boolean {
    if (this.missingBlocks(request, tokens) > this.numFreeBlocks) return false;
    this.#extend(request, tokens);
    return true;
  }

  /** Gives back the blocks of a running request that no window reaches any more once `computed` tokens are computed. */
  leave(request: number, computed: number): void {
    if (this.#uniform) return;
    for (const tables of this.#tables) {
      for (const block of tables.leave(request, computed)) this.#store.release(block, request);
    }
  }

  /**
   * Takes full blocks out of a running request's table, and the table closes up: eviction inside of a sequence. The
   * request keeps counting its tokens as computed, so `missingBlocks` and `grow` take the same numbers as before.
   *
   * Blocks that are cached stay findable. What the request computes from here on depends on what it lost, so no further
   * block of it is cached.
   * @param places of the table, each once, in any order; the block that is still filling may not be among them
   * @throws RangeError for a place outside of the table, one named twice, or layers that differ; nothing is changed then
   */
  drop(request: number, places: readonly number[]): void {
    if (places.length === 0) return;
    if (!this.#uniform)
      throw new RangeError('Blocks can be dropped where all layers keep every token, and here they do not.');
    for (const block of this.#first.drop(request, places)) this.#store.release(block, request);
  }

  /**
   * The inverse of `drop`: a running request gets blocks again at places of the table as it was before.
   * @param places ascending, each as `drop` was told
   * @param blocks those that it had, which are taken again where they are free; others are found for the rest
   * @returns the blocks, place for place; null, and nothing changed, when not as many are free
   */
  restore(request: number, places: readonly number[], blocks: readonly BlockId[]): readonly BlockId[] | null {
    if (places.length > this.numFreeBlocks) return null;
    // Those that are still there first, or one of them would be given out in place of another.
    const kept = blocks.map((block) => (this.#store.retake(block, request) ? block : null));
    const taken = places.map((_, i) => kept[i] ?? this.#store.take(request, 0));
    this.#first.restore(request, places, taken);
    return taken;
  }

  /** What a block holds is not found any more; its sequence keeps it. */
  uncache(block: BlockId): void {
    this.#store.uncache(block);
  }

  /** Contents of ended sequences are forgotten, the oldest first, until not more than `most` blocks hold some. */
  limitIdle(most: number): void {
    this.#store.limitIdle(most);
  }

  /**
   * A request's tokens take so many blocks less than its table has: they were quantized, evicted or offloaded in part. As
   * many more can be given out until it ends, or is told otherwise.
   * @throws RangeError without spare blocks
   */
  setCredit(request: number, blocks: number): void {
    if (!this.#credits) throw new RangeError('Credits need a block manager with spareBlocks.');
    this.#credits.set(request, blocks);
  }

  creditOf(request: number): number {
    return this.#credits?.of(request) ?? 0;
  }

  /** Whether more than one table refers to the block at a place of a request's own. */
  isShared(request: number, place: number): boolean {
    const block = this.#first.of(request)[place];
    return block !== undefined && this.pool.isShared(block);
  }

  /** The inverse of `uncache`: a block of a running request holds the text of an id again. */
  cacheAgain(request: number, place: number, id: number): void {
    const block = this.#first.of(request)[place];
    if (block !== undefined && this.#store.contentsOf(block) < 0)
      this.#store.insert(id, 0, block, request, place);
  }

  /** Leading blocks of a request that were offered to the cache; `Infinity`: no more of it is. For `setOffered` later. */
  offered(request: number): number {
    return this.#first.numCached(request);
  }

  setOffered(request: number, blocks: number): void {
    for (const tables of this.#tables) tables.setCached(request, Math.min(blocks, 2 ** 31 - 1));
  }

  /**
   * Takes all blocks from a request.
   * @param tokens tokens that were computed: full blocks among them stay findable
   */
  free(request: number, tokens = 0): void {
    if (!this.#first.has(request)) return;
    this.#cacheFullBlocks(request, tokens);
    for (const tables of this.#tables) {
      for (const block of tables.close(request)) this.#store.release(block, request);
    }
    this.#credits?.end(request);
  }

  /** The id whose contents a block holds, or −1. */
  contentsOf(block: BlockId): number {
    return this.#store.contentsOf(block);
  }

  /** Whether some block holds a text. */
  isCached(id: number): boolean {
    return this.#store.find(id, 0) >= 0;
  }

  /** Every block is free, held or in as many tables as it has references. @throws Error that names the first that is not. */
  check(): void {
    for (const tables of this.#tables) tables.check();
    this.#credits?.check();
    const reserve = this.#credits ? [{ blocks: this.#credits.reserve }] : [];
    this.#store.check([...this.#tables.flatMap((tables) => tables.lists()), ...reserve]);
  }

  #admitGroups(request: number, tokens: number, keepFree: number, computed: number): boolean {
    const starts = this.#tables.map(({ group, index }) =>
      startOf(group, this.#hitTokens, computed, (block) => this.#find(request, index, block) as BlockId),
    );
    let needed = keepFree;
    for (const [index, { hits, gone }] of starts.entries()) {
      const missing = this.#tables[index]?.missing(request, tokens) ?? 0;
      needed += Math.max(0, missing - gone - hits.length);
      for (const block of hits) if (this.#store.isIdle(block)) needed++;
    }
    if (needed > this.numFreeBlocks) return false;
    for (const [index, { hits, gone }] of starts.entries()) {
      const tables = this.#tables[index];
      tables?.open(request, gone);
      if (tables) this.#claim(tables, request, hits, gone);
    }
    this.#extend(request, tokens);
    return true;
  }

  /** The block that holds block number `block` of a request's text in a group, or −1. */
  #find(request: number, group: number, block: number): number {
    const ratio = this.#tables[group]?.ratio ?? 1;
    const { blockStart, blockIds } = this.#requests;
    const at = (blockStart[request] ?? 0) + (block + 1) * ratio - 1;
    return at < (blockStart[request + 1] ?? 0) ? this.#store.find(blockIds[at] ?? -1, group) : -1;
  }

  /** Found blocks are taken first, so that none of them is evicted to make room for others. */
  #claim(tables: GroupTables, request: number, hits: readonly BlockId[], gone: number): void {
    for (const block of hits) {
      tables.push(request, block);
      this.#store.claim(block, request, gone + tables.of(request).length - 1);
    }
    tables.setCached(request, gone + hits.length);
  }

  #extend(request: number, tokens: number): void {
    for (const tables of this.#tables) {
      for (let missing = tables.missing(request, tokens); missing > 0; missing--) {
        tables.push(request, this.#store.take(request, tables.index));
      }
    }
    this.#cacheFullBlocks(request, tokens);
  }

  #cacheFullBlocks(request: number, tokens: number): void {
    if (!this.prefixCaching) return;
    const { blockStart, blockIds } = this.#requests;
    const from = blockStart[request] ?? 0;
    const known = (blockStart[request + 1] ?? 0) - from;
    for (const tables of this.#tables) {
      const { ratio, index, group } = tables;
      const table = tables.of(request);
      const gone = tables.gone(request);
      const full = Math.min(
        Math.floor(known / ratio),
        gone + table.length,
        Math.floor(tokens / group.blockSize),
      );
      const before = tables.numCached(request);
      for (let at = Math.max(before, gone); at < full; at++) {
        const id = blockIds[from + (at + 1) * ratio - 1] ?? -1;
        this.#store.insert(id, index, table[at - gone] ?? (0 as BlockId), request, at);
      }
      if (full > before) tables.setCached(request, full);
    }
  }
}
