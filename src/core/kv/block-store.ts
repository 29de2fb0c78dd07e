/**
 * The blocks of one engine and what they hold: the pool, the cached contents, the order of eviction, the events.
 *
 * Order of eviction (a contract, tested as literal lists). Free blocks stand in the pool's queue, those with contents
 * that can be found again among them; a new block is the head of the queue, so contents live until their block is the
 * one that has been free for longest. (vLLM v1/core/block_pool.py@001cabc; docs/design/prefix_caching.md)
 *
 * With a `policy` the order is its own: a cached block that nobody refers to leaves the queue and is held until the
 * policy gives it up, and blocks without contents always go first.
 *
 * Contents are known by a key: the id of the text and the group of layers. With one group the key is the id.
 *
 * Boundary: single blocks. Which request has which of them is the block manager's.
 */
import type { BlockPolicy } from '../eviction/blocks/policy.ts';
import type { BlockListener } from './block-events.ts';
import { CachedBlocks } from './cached-blocks.ts';
import { BlockPool, type BlockId } from './pool.ts';

export interface BlockStoreConfig {
  readonly numBlocks: number;
  readonly numGroups: number;
  readonly prefixCaching: boolean;
  readonly policy?: BlockPolicy | undefined;
  readonly onBlock?: BlockListener | undefined;
}

export class BlockStore {
  readonly pool: BlockPool;
  readonly prefixCaching: boolean;
  #numGroups: number;
  #cached: CachedBlocks;
  #policy: BlockPolicy | null;
  #onBlock: BlockListener | null;
  /** Blocks without references whose contents can be found. */
  #numIdle = 0;
  /** With a policy: the cache's own reference, block by block. */
  #held: Uint8Array;
  /** Accesses so far: the policies' clock. */
  #now = 0;

  constructor({ numBlocks, numGroups, prefixCaching, policy, onBlock }: BlockStoreConfig) {
    this.pool = new BlockPool(numBlocks);
    this.prefixCaching = prefixCaching;
    this.#numGroups = numGroups;
    this.#cached = new CachedBlocks(prefixCaching ? numBlocks : 0);
    this.#policy = (prefixCaching && policy) || null;
    this.#onBlock = onBlock ?? null;
    this.#held = new Uint8Array(numBlocks);
  }

  /** Blocks that can be given out: nobody refers to them, whatever they hold. */
  get numFree(): number {
    return this.#policy ? this.pool.numFreeBlocks + this.#numIdle : this.pool.numFreeBlocks;
  }

  /** Those of them whose contents can be found again. */
  get numIdle(): number {
    return this.#numIdle;
  }

  /** The block that holds a text in a group of layers, or −1. */
  find(id: number, group: number): number {
    return id < 0 ? -1 : this.#cached.find(this.#numGroups === 1 ? id : id * this.#numGroups + group);
  }

  /** The id whose contents a block holds, or −1. */
  contentsOf(block: BlockId): number {
    return this.prefixCaching ? this.#idOf(this.#cached.idOf(block)) : -1;
  }

  /** Nobody refers to the block, whether or not it holds something. */
  isIdle(block: BlockId): boolean {
    return this.#held[block] === 1 || this.pool.references(block) === 0;
  }

  /** An empty block for a request. @throws Error when none is free */
  take(request: number, group: number): BlockId {
    if (this.#policy && this.pool.numFreeBlocks === 0) this.#evictByPolicy(this.#policy, request);
    const block = this.pool.take();
    if (this.prefixCaching) this.#forget(block, request);
    this.#onBlock?.('alloc', block, request, this.#numGroups === 1 ? -1 : group);
    return block;
  }

  /** A request takes a block that holds its text. @param depth place of the block in the text */
  claim(block: BlockId, request: number, depth: number): void {
    const key = this.#cached.idOf(block);
    const idle = this.isIdle(block);
    if (this.#held[block] === 1) this.#held[block] = 0;
    else this.pool.touch(block);
    if (idle) this.#numIdle--;
    this.#policy?.hit(key, this.#facts(depth));
    this.#onBlock?.('hit', block, request, this.#idOf(key));
  }

  /** A request gives a block up; what it holds stays findable. */
  release(block: BlockId, request: number): void {
    const last = this.pool.references(block) === 1;
    const key = this.prefixCaching ? this.#cached.idOf(block) : -1;
    if (last && key >= 0) this.#numIdle++;
    // A younger copy of the same text is not the one that the policy knows.
    const known = this.#policy !== null && last && key >= 0 && this.#cached.find(key) === block;
    if (known) this.#held[block] = 1;
    else this.pool.release(block);
    this.#onBlock?.('free', block, request, -1);
    if (this.#policy && last && key >= 0 && !known) this.#forget(block, request, 'drop');
  }

  /** A block that a request had before, where it is free: whatever it holds is about to be written over. */
  retake(block: BlockId, request: number): boolean {
    if (this.#policy !== null || this.pool.references(block) > 0) return false;
    this.pool.touch(block);
    if (this.prefixCaching) this.#forget(block, request);
    this.#onBlock?.('alloc', block, request, -1);
    return true;
  }

  /** What a block in use holds is not found any more. */
  uncache(block: BlockId): void {
    if (this.isIdle(block) || this.contentsOf(block) < 0) return;
    // It is counted idle by those who forget; this one is not.
    this.#numIdle++;
    this.#forget(block, -1, 'drop');
  }

  /** Forgets what idle blocks hold, the next to be given out first, until not more than `most` of them hold something. */
  limitIdle(most: number): void {
    if (this.#numIdle <= most) return;
    if (this.#policy) {
      while (this.#numIdle > most) this.#evictByPolicy(this.#policy, -1);
      return;
    }
    for (const block of this.pool.freeBlocks()) {
      if (this.#numIdle <= most) return;
      this.#forget(block, -1, 'drop');
    }
  }

  /** A block is full and can be found from now on. */
  insert(id: number, group: number, block: BlockId, request: number, depth: number): void {
    const key = this.#numGroups === 1 ? id : id * this.#numGroups + group;
    const known = this.#cached.find(key) >= 0;
    this.#cached.insert(key, block);
    if (!known) this.#policy?.admit(key, this.#facts(depth));
    this.#onBlock?.('cache', block, request, id);
  }

  /** @param tables the blocks of all requests @throws Error that names the first block that is in doubt */
  check(tables: readonly { readonly blocks: readonly BlockId[] }[]): void {
    const held = [...this.#held.keys()].filter((block) => this.#held[block] === 1);
    this.pool.check([...tables, { blocks: held as BlockId[] }]);
    let idle = 0;
    for (let block = 0; block < this.pool.numBlocks; block++) {
      if (this.isIdle(block as BlockId) && this.contentsOf(block as BlockId) >= 0) idle++;
    }
    if (idle !== this.#numIdle)
      throw new Error(`${idle} cached blocks have no user, but ${this.#numIdle} were counted.`);
  }

  #idOf(key: number): number {
    return this.#numGroups === 1 || key < 0 ? key : Math.floor(key / this.#numGroups);
  }

  #evictByPolicy(policy: BlockPolicy, request: number): void {
    const victim = policy.victim(
      `request ${request}`,
      (key) => this.#held[this.#cached.find(Number(key))] === 1,
      this.#now,
    );
    const block = victim === null ? -1 : this.#cached.find(Number(victim));
    if (block < 0) throw new Error('The eviction policy named no block although one is idle.');
    this.#forget(block as BlockId, request);
    this.#held[block] = 0;
    this.pool.release(block as BlockId);
    // A younger copy that is in use answers from now on, so the policy must know the key again.
    const key = Number(victim);
    if (this.#cached.find(key) >= 0) policy.admit(key, this.#facts(0));
  }

  /** A block's contents go. */
  #forget(block: BlockId, request: number, why: 'evict' | 'drop' = 'evict'): void {
    const key = this.#cached.idOf(block);
    if (key < 0) return;
    this.#cached.remove(block);
    this.#numIdle--;
    this.#onBlock?.(why, block, request, this.#idOf(key));
  }

  /** A miss costs recomputing the block: linear layers are the same for all, attention grows with the depth. */
  #facts(depth: number) {
    return { size: 1, cost: 1 + depth / 1024, now: this.#now++, depth };
  }
}
