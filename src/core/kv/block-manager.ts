/**
 * The KV cache of one engine: block tables of its sequences over one pool, with a prefix cache.
 *
 * Order of eviction (a contract, tested as literal lists). Free blocks stand in the pool's queue, those with contents
 * that can be found again among them; a new block is the head of the queue, so contents live until their block is the
 * one that has been free for longest. A sequence gives its blocks back last block first: its tail is lost before its
 * head. (vLLM v1/core/kv_cache_manager.py@001cabc; docs/design/prefix_caching.md)
 *
 * With a `policy` the order is its own: a cached block that nobody refers to leaves the queue and is held until the
 * policy gives it up, and blocks without contents always go first.
 *
 * A block is cached when the step that fills it is scheduled, so a request admitted later in the same step finds it.
 * Requests are rows of a RequestTable; ids beyond a row's known ones are text that nobody shares, and are not cached.
 *
 * Boundary: ids and counts. When to allocate is the scheduler's.
 */
import type { BlockPolicy } from '../eviction/blocks/policy.ts';
import type { RequestTable } from '../schedule/requests.ts';
import type { BlockListener } from './block-events.ts';
import { CachedBlocks } from './cached-blocks.ts';
import { BlockPool, type BlockId } from './pool.ts';

export interface BlockManagerConfig {
  readonly numBlocks: number;
  /** Tokens of a block. */
  readonly blockSize: number;
  readonly requests: RequestTable;
  readonly prefixCaching: boolean;
  /** Order of eviction among cached blocks; left out: the pool's queue. */
  readonly policy?: BlockPolicy;
  readonly onBlock?: BlockListener;
}

const NO_BLOCKS: readonly BlockId[] = [];
/** In `#numCached` of a request that dropped blocks: more than a table has. */
const NEVER_AGAIN = 2 ** 31 - 1;

export class BlockManager {
  readonly pool: BlockPool;
  readonly blockSize: number;
  readonly prefixCaching: boolean;
  #requests: RequestTable;
  #cached: CachedBlocks;
  #policy: BlockPolicy | null;
  #onBlock: BlockListener | null;
  #tables: (BlockId[] | undefined)[];
  /** Leading blocks of each table that are in the cache already. */
  #numCached: Int32Array;
  /** Blocks without references whose contents can be found. */
  #numIdle = 0;
  /** With a policy: the cache's own reference, block by block. */
  #held: Uint8Array;
  /** Accesses so far: the policies' clock. */
  #now = 0;
  #hits: BlockId[] = [];
  #numTableBlocks = 0;
  /** Tokens that are no longer in a request's table, whole blocks of them; made by the first drop. */
  #dropped: Int32Array | null = null;
  #numDroppedTokens = 0;

  constructor({ numBlocks, blockSize, requests, prefixCaching, policy, onBlock }: BlockManagerConfig) {
    this.pool = new BlockPool(numBlocks);
    this.blockSize = blockSize;
    this.prefixCaching = prefixCaching;
    this.#requests = requests;
    this.#cached = new CachedBlocks(prefixCaching ? numBlocks : 0);
    this.#policy = (prefixCaching && policy) || null;
    this.#onBlock = onBlock ?? null;
    this.#tables = new Array<BlockId[] | undefined>(requests.size);
    this.#numCached = new Int32Array(requests.size);
    this.#held = new Uint8Array(numBlocks);
  }

  get numBlocks(): number {
    return this.pool.numBlocks;
  }

  /** Blocks that can be given out: nobody refers to them, whatever they hold. */
  get numFreeBlocks(): number {
    return this.#policy ? this.pool.numFreeBlocks + this.#numIdle : this.pool.numFreeBlocks;
  }

  /** Those of them whose contents can be found again. */
  get numIdleCachedBlocks(): number {
    return this.#numIdle;
  }

  /** Blocks that a sequence refers to. */
  get numActiveBlocks(): number {
    return this.numBlocks - this.numFreeBlocks;
  }

  /** Entries of all block tables: a shared block counts for each sequence. */
  get numTableBlocks(): number {
    return this.#numTableBlocks;
  }

  /** Tokens of all running requests whose blocks were dropped. */
  get numDroppedTokens(): number {
    return this.#numDroppedTokens;
  }

  /** Tokens of a request whose blocks were dropped: a multiple of the block size. */
  droppedTokens(request: number): number {
    return this.#dropped?.[request] ?? 0;
  }

  /** A request's blocks in the order of its tokens, without those that were dropped. Valid until it next changes. */
  blocksOf(request: number): readonly BlockId[] {
    return this.#tables[request] ?? NO_BLOCKS;
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockSize);
  }

  /** Blocks that a request lacks for `tokens` tokens, those that it dropped among them. */
  missingBlocks(request: number, tokens: number): number {
    return this.blocksFor(tokens - this.droppedTokens(request)) - this.blocksOf(request).length;
  }

  /**
   * Leading blocks of a request's text that the cache holds: at most those before its last token, which is always
   * computed. Remembered for the `admit` that follows.
   */
  lookup(request: number, tokens: number): number {
    this.#hits.length = 0;
    if (!this.prefixCaching) return 0;
    const { blockStart, blockIds } = this.#requests;
    const from = blockStart[request] ?? 0;
    const known = (blockStart[request + 1] ?? 0) - from;
    const most = Math.min(known, Math.floor((tokens - 1) / this.blockSize));
    for (let i = 0; i < most; i++) {
      const block = this.#cached.find(blockIds[from + i] ?? -1);
      if (block < 0) break;
      this.#hits.push(block as BlockId);
    }
    return this.#hits.length;
  }

  /**
   * Gives a request the blocks that `lookup` found and new ones, `tokens` tokens in all. False, and nothing changed,
   * when less than that and `keepFree` blocks are free.
   */
  admit(request: number, tokens: number, keepFree = 0): boolean {
    const hits = this.#hits;
    const fresh = this.blocksFor(tokens) - hits.length;
    let idle = 0;
    for (const block of hits) if (this.#isIdle(block)) idle++;
    if (fresh + idle + keepFree > this.numFreeBlocks) return false;
    this.#tables[request] = [];
    // Found blocks are taken first, so that none of them is evicted to make room for the others.
    for (const block of hits) this.#claim(block, request);
    this.#numTableBlocks += hits.length;
    this.#numCached[request] = hits.length;
    this.#extend(request, fresh);
    this.#cacheFullBlocks(request, tokens);
    return true;
  }

  /** Gives a running request blocks for `tokens` tokens in all. False, and nothing changed, when they are not free. */
  grow(request: number, tokens: number): boolean {
    const missing = this.missingBlocks(request, tokens);
    if (missing > this.numFreeBlocks) return false;
    this.#extend(request, missing);
    this.#cacheFullBlocks(request, tokens);
    return true;
  }

  /**
   * Takes full blocks out of a running request's table, and the table closes up: eviction inside of a sequence. The
   * request keeps counting its tokens as computed, so `missingBlocks` and `grow` take the same numbers as before.
   *
   * Blocks that are cached stay findable. What the request computes from here on depends on what it lost, so no further
   * block of it is cached.
   * @param places of the table, each once, in any order; the block that is still filling may not be among them
   * @throws RangeError for a place outside of the table, or one named twice; nothing is changed then
   */
  drop(request: number, places: readonly number[]): void {
    if (places.length === 0) return;
    const table = this.#tables[request] ?? [];
    const gone = new Set(places);
    for (const place of gone) {
      if (table[place] === undefined) {
        throw new RangeError(
          `Block ${place} of request ${request} cannot be dropped: its table has ${table.length} blocks.`,
        );
      }
    }
    if (gone.size < places.length)
      throw new RangeError(`A block of request ${request} was named twice: ${places.join(', ')}.`);
    this.#numCached[request] = NEVER_AGAIN;
    for (const place of [...gone].sort((a, b) => b - a)) this.#release(table[place] as BlockId, request);
    this.#tables[request] = table.filter((_, place) => !gone.has(place));
    this.#numTableBlocks -= gone.size;
    this.#countDropped(request, gone.size * this.blockSize);
  }

  /**
   * Takes all blocks from a request, last block first.
   * @param tokens tokens that were computed: full blocks among them stay findable
   */
  free(request: number, tokens = 0): void {
    const table = this.#tables[request];
    if (!table) return;
    this.#cacheFullBlocks(request, tokens);
    for (let i = table.length - 1; i >= 0; i--) {
      const block = table[i];
      if (block !== undefined) this.#release(block, request);
    }
    this.#tables[request] = undefined;
    this.#numTableBlocks -= table.length;
    this.#numCached[request] = 0;
    if (this.#dropped) this.#countDropped(request, -this.droppedTokens(request));
  }

  /** The id whose contents a block holds, or −1. */
  contentsOf(block: BlockId): number {
    return this.prefixCaching ? this.#cached.idOf(block) : -1;
  }

  /** Every block is free, held or in as many tables as it has references. @throws Error that names the first that is not. */
  check(): void {
    this.#checkCounts();
    const tables = this.#tables.filter((table) => table !== undefined).map((blocks) => ({ blocks }));
    const held = [...this.#held.keys()].filter((block) => this.#held[block] === 1);
    this.pool.check([...tables, { blocks: held as BlockId[] }]);
    let idle = 0;
    for (let block = 0; block < this.numBlocks; block++) {
      if (this.#isIdle(block as BlockId) && this.contentsOf(block as BlockId) >= 0) idle++;
    }
    if (idle !== this.#numIdle)
      throw new Error(`${idle} cached blocks have no user, but ${this.#numIdle} were counted.`);
  }

  #checkCounts(): void {
    const inTables = this.#tables.reduce((sum, table) => sum + (table?.length ?? 0), 0);
    if (inTables !== this.#numTableBlocks)
      throw new Error(`Tables have ${inTables} entries, but ${this.#numTableBlocks} were counted.`);
    let sum = 0;
    (this.#dropped ?? []).forEach((tokens, request) => {
      sum += tokens;
      if (tokens !== 0 && (tokens % this.blockSize !== 0 || !this.#tables[request]))
        throw new Error(`Request ${request} dropped ${tokens} tokens, which are no blocks of a table.`);
    });
    if (sum !== this.#numDroppedTokens)
      throw new Error(`${sum} tokens were dropped, but ${this.#numDroppedTokens} were counted.`);
  }

  #countDropped(request: number, tokens: number): void {
    this.#dropped ??= new Int32Array(this.#requests.size);
    this.#dropped[request] = (this.#dropped[request] ?? 0) + tokens;
    this.#numDroppedTokens += tokens;
  }

  /** Nobody refers to the block, whether or not it holds something. */
  #isIdle(block: BlockId): boolean {
    return this.#held[block] === 1 || this.pool.references(block) === 0;
  }

  #extend(request: number, count: number): void {
    const table = this.#tables[request] ?? [];
    this.#numTableBlocks += count;
    for (let i = 0; i < count; i++) {
      const block = this.#freshBlock(request);
      table.push(block);
      this.#onBlock?.('alloc', block, request, -1);
    }
    this.#tables[request] = table;
  }

  #freshBlock(request: number): BlockId {
    if (this.#policy && this.pool.numFreeBlocks === 0) this.#evictByPolicy(this.#policy, request);
    const block = this.pool.take();
    if (this.prefixCaching) this.#forget(block, request);
    return block;
  }

  #evictByPolicy(policy: BlockPolicy, request: number): void {
    const victim = policy.victim(
      `request ${request}`,
      (id) => this.#held[this.#cached.find(Number(id))] === 1,
      this.#now,
    );
    const block = victim === null ? -1 : this.#cached.find(Number(victim));
    if (block < 0) throw new Error('The eviction policy named no block although one is idle.');
    this.#forget(block as BlockId, request);
    this.#held[block] = 0;
    this.pool.release(block as BlockId);
    // A younger copy that is in use answers from now on, so the policy must know the id again.
    const id = Number(victim);
    if (this.#cached.find(id) >= 0) policy.admit(id, this.#facts(0));
  }

  /** A block's contents go. */
  #forget(block: BlockId, request: number): void {
    const id = this.#cached.idOf(block);
    if (id < 0) return;
    this.#cached.remove(block);
    this.#numIdle--;
    this.#onBlock?.('evict', block, request, id);
  }

  #claim(block: BlockId, request: number): void {
    const id = this.#cached.idOf(block);
    const idle = this.#isIdle(block);
    if (this.#held[block] === 1) this.#held[block] = 0;
    else this.pool.touch(block);
    if (idle) this.#numIdle--;
    this.#tables[request]?.push(block);
    this.#policy?.hit(id, this.#facts((this.#tables[request]?.length ?? 1) - 1));
    this.#onBlock?.('hit', block, request, id);
  }

  #release(block: BlockId, request: number): void {
    const last = this.pool.references(block) === 1;
    const cached = this.prefixCaching && this.#cached.idOf(block) >= 0;
    if (last && cached) this.#numIdle++;
    // A younger copy of the same text is not the one that the policy knows.
    if (last && cached && this.#policy && this.#cached.find(this.#cached.idOf(block)) === block) {
      this.#held[block] = 1;
    } else {
      if (last && cached && this.#policy) {
        this.#cached.remove(block);
        this.#numIdle--;
      }
      this.pool.release(block);
    }
    this.#onBlock?.('free', block, request, -1);
  }

  #cacheFullBlocks(request: number, tokens: number): void {
    if (!this.prefixCaching) return;
    const { blockStart, blockIds } = this.#requests;
    const from = blockStart[request] ?? 0;
    const known = (blockStart[request + 1] ?? 0) - from;
    const table = this.#tables[request] ?? NO_BLOCKS;
    const full = Math.min(known, table.length, Math.floor(tokens / this.blockSize));
    let at = this.#numCached[request] ?? 0;
    for (; at < full; at++) this.#insert(blockIds[from + at] ?? -1, table[at] ?? (0 as BlockId), request, at);
    this.#numCached[request] = Math.max(at, this.#numCached[request] ?? 0);
  }

  #insert(id: number, block: BlockId, request: number, depth: number): void {
    const known = this.#cached.find(id) >= 0;
    this.#cached.insert(id, block);
    if (!known) this.#policy?.admit(id, this.#facts(depth));
    this.#onBlock?.('cache', block, request, id);
  }

  /** A miss costs recomputing the block: linear layers are the same for all, attention grows with the depth. */
  #facts(depth: number) {
    return { size: 1, cost: 1 + depth / 1024, now: this.#now++, depth };
  }
}
