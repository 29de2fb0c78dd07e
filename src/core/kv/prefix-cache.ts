/**
 * A prefix cache as a library: which blocks hold the beginning of a prompt, over a bound on their number.
 *
 *   const hashes = cache.blockHashes(tokens);
 *   const { blocks, numTokens } = cache.lookup(hashes, tokens.length);   // the engine computes the rest, then
 *   cache.insert(hashes, blocksOfThePrompt);
 *
 * A hit is a run of full blocks from the first one on, of at most numTokens − 1 tokens: the last token is always
 * computed, so a prompt that is cached whole computes its last block again, as in vLLM.
 *
 * Order of eviction (a contract, tested as literal lists). A lookup and an insert use their blocks from the last to the
 * first, so under `lru` the prompt that was used least recently goes first, and of one prompt its tail before its head:
 * the order of vLLM's free queue, where a request gives its blocks back last block first. Other policies see the same
 * uses. Blocks that are retained stay, and so do the ancestors of what is being inserted. Where there is no room for
 * all of a prompt, its head is cached and its tail is not.
 *
 * The first block of a hash answers for it; a second copy is not taken (and stays its owner's). Boundary: `blocks` are
 * whatever the caller says, ids or handles, and are never freed here: an `evict` event tells that one is forgotten.
 */
import {
  BLOCK_POLICIES,
  recomputeCost,
  type BlockFacts,
  type BlockPolicy,
} from '../eviction/blocks/index.ts';
import { chainedBlockHashes, type BlockHash, type HashExtra } from './block-hash.ts';
import { Emitter, type Listener } from './events.ts';
import { KVNotCachedError, KVReferencedError, KVReferenceUnderflowError } from './kv-pool-errors.ts';
import { whole } from './kv-pool-state.ts';
import type {
  Inserted,
  PrefixCacheEvents,
  PrefixCacheOptions,
  PrefixCacheStats,
  PrefixHit,
} from './prefix-cache-types.ts';

const DEFAULT_BLOCK_SIZE = 16;

interface Entry<B> {
  readonly hash: BlockHash;
  readonly block: B;
  readonly depth: number;
  readonly parent: BlockHash | null;
  references: number;
}

export class PrefixCache<B = number> {
  readonly blockSize: number;
  readonly maxCachedBlocks: number;
  readonly #policy: BlockPolicy;
  readonly #costOf: (depth: number) => number;
  readonly #events = new Emitter<PrefixCacheEvents<B>>();
  #entries = new Map<BlockHash, Entry<B>>();
  /** Cached continuations of each hash, also of one that was evicted and may come back. */
  #children = new Map<BlockHash, Set<BlockHash>>();
  #numRetained = 0;
  #now = 0;
  #counts = {
    lookups: 0,
    lookedUpBlocks: 0,
    hitBlocks: 0,
    lookedUpTokens: 0,
    hitTokens: 0,
    insertedBlocks: 0,
    evictedBlocks: 0,
    invalidatedBlocks: 0,
  };

  /** @throws RangeError for sizes that are no whole numbers of at least 1 */
  constructor({ blockSize = DEFAULT_BLOCK_SIZE, maxCachedBlocks, policy = 'lru' }: PrefixCacheOptions) {
    this.blockSize = whole('blockSize', blockSize);
    this.maxCachedBlocks = whole('maxCachedBlocks', maxCachedBlocks);
    this.#policy = BLOCK_POLICIES[policy](maxCachedBlocks);
    this.#costOf = recomputeCost(blockSize);
  }

  get numCachedBlocks(): number {
    return this.#entries.size;
  }

  /** Told after each change. @returns ends the subscription */
  on<K extends keyof PrefixCacheEvents<B>>(type: K, listener: Listener<PrefixCacheEvents<B>, K>): () => void {
    return this.#events.on(type, listener);
  }

  /** Every event. @returns ends the subscription */
  onAny(listener: Listener<PrefixCacheEvents<B>>): () => void {
    return this.#events.onAny(listener);
  }

  /** One hash for each full block of a prompt. */
  blockHashes(tokens: ArrayLike<number>, extra?: HashExtra): BlockHash[] {
    return chainedBlockHashes(tokens, this.blockSize, extra);
  }

  /** The block that a hash stands for; this is no use. */
  peek(hash: BlockHash): B | undefined {
    return this.#entries.get(hash)?.block;
  }

  /**
   * The cached beginning of a prompt.
   * @param numTokens of the whole prompt
   */
  lookup(hashes: readonly BlockHash[], numTokens: number): PrefixHit<B> {
    if (!Number.isSafeInteger(numTokens) || numTokens < 0) {
      throw new RangeError(`numTokens is ${numTokens}; the prompt's whole number of tokens is needed.`);
    }
    const most = Math.min(hashes.length, Math.max(0, Math.floor((numTokens - 1) / this.blockSize)));
    const found: Entry<B>[] = [];
    for (const hash of hashes.slice(0, most)) {
      const entry = this.#entries.get(hash);
      if (!entry) break;
      found.push(entry);
    }
    for (const entry of found.toReversed()) this.#policy.hit(entry.hash, this.#facts(entry.depth));
    const counts = this.#counts;
    counts.lookups++;
    counts.lookedUpBlocks += most;
    counts.hitBlocks += found.length;
    counts.lookedUpTokens += numTokens;
    counts.hitTokens += found.length * this.blockSize;
    this.#tell('hit', found);
    for (const [i, hash] of hashes.slice(found.length, most).entries()) {
      this.#events.emit('miss', { hash, depth: found.length + i });
    }
    return { blocks: found.map(({ block }) => block), numTokens: found.length * this.blockSize };
  }

  /**
   * Caches a prompt's blocks, as far as there is room.
   * @param hashes of the prompt's full blocks from the first one on
   * @param blocks one for each hash
   */
  insert(hashes: readonly BlockHash[], blocks: readonly B[]): Inserted<B> {
    if (hashes.length !== blocks.length) {
      throw new RangeError(
        `${blocks.length} blocks cannot stand for ${hashes.length} hashes; one each is needed.`,
      );
    }
    const fresh = new Set(this.#admissible(hashes));
    const chain = new Set(hashes);
    const [taken, evicted]: [Entry<B>[], Entry<B>[]] = [[], []];
    for (let depth = hashes.length - 1; depth >= 0; depth--) {
      const [hash, block] = [hashes[depth], blocks[depth]];
      if (hash === undefined || block === undefined) continue;
      if (this.#entries.has(hash)) this.#policy.renew?.(hash, this.#facts(depth));
      if (!fresh.has(hash)) continue;
      if (this.#entries.size >= this.maxCachedBlocks) evicted.push(this.#evict(hash, chain));
      const entry = { hash, block, depth, parent: hashes[depth - 1] ?? null, references: 0 };
      this.#add(entry);
      taken.unshift(entry);
    }
    this.#counts.insertedBlocks += taken.length;
    this.#counts.evictedBlocks += evicted.length;
    this.#tell('evict', evicted);
    this.#tell('alloc', taken);
    return { blocks: taken.map(({ block }) => block), evicted: evicted.map(({ block }) => block) };
  }

  /** Keeps cached blocks from being evicted. @throws KVNotCachedError, and nothing is retained */
  retain(hashes: readonly BlockHash[]): void {
    for (const entry of this.#all(hashes)) if (entry.references++ === 0) this.#numRetained++;
  }

  /** Takes one reference from each, last block first. @throws KVNotCachedError, KVReferenceUnderflowError */
  release(hashes: readonly BlockHash[]): void {
    const entries = this.#all(hashes);
    const free = entries.find(({ references }) => references === 0);
    if (free) throw new KVReferenceUnderflowError(`Block ${free.hash}`, 'references');
    for (const entry of entries.toReversed()) {
      if (--entry.references === 0) this.#numRetained--;
      this.#policy.renew?.(entry.hash, this.#facts(entry.depth));
    }
  }

  /**
   * Forgets a block and all that continues it, which cannot be found without it; without a hash, everything.
   * @returns the blocks, parents before children
   * @throws KVReferencedError while one of them is retained, and nothing is forgotten
   */
  invalidate(hash?: BlockHash): B[] {
    const doomed = hash === undefined ? [...this.#entries.values()] : this.#subtree(hash);
    const inUse = doomed.find(({ references }) => references > 0);
    if (inUse) throw new KVReferencedError(`Block ${inUse.hash}`, inUse.references);
    for (const entry of doomed) {
      this.#policy.remove(entry.hash);
      this.#forget(entry);
    }
    this.#counts.invalidatedBlocks += doomed.length;
    for (const { hash: gone, block, depth } of doomed)
      this.#events.emit('free', { hash: gone, block, depth });
    return doomed.map(({ block }) => block);
  }

  stats(): PrefixCacheStats {
    const { lookedUpBlocks, hitBlocks } = this.#counts;
    return {
      cachedBlocks: this.#entries.size,
      maxCachedBlocks: this.maxCachedBlocks,
      retainedBlocks: this.#numRetained,
      hitRatio: lookedUpBlocks === 0 ? 0 : hitBlocks / lookedUpBlocks,
      ...this.#counts,
      listenerErrors: this.#events.listenerErrors,
    };
  }

  /** The bound holds and the links are whole. @throws Error that names the first thing that is not */
  check(): void {
    const { size } = this.#entries;
    if (size > this.maxCachedBlocks) throw new Error(`${size} blocks are cached of ${this.maxCachedBlocks}.`);
    let [retained, linked] = [0, 0];
    for (const { hash, parent, references } of this.#entries.values()) {
      if (references > 0) retained++;
      if (parent !== null && !this.#children.get(parent)?.has(hash)) {
        throw new Error(`Block ${hash} is no child of its parent ${parent}.`);
      }
    }
    for (const children of this.#children.values()) {
      linked += children.size;
      for (const child of children) {
        if (!this.#entries.has(child)) throw new Error(`Block ${child} is linked but not cached.`);
      }
    }
    const roots = [...this.#entries.values()].filter(({ parent }) => parent === null).length;
    if (roots + linked !== size)
      throw new Error(`${linked} links and ${roots} roots are not ${size} blocks.`);
    if (retained !== this.#numRetained) {
      throw new Error(`${retained} blocks are retained, but ${this.#numRetained} were counted.`);
    }
  }

  /** The new hashes of a chain for which room is free or can be made, from the head on. */
  #admissible(hashes: readonly BlockHash[]): BlockHash[] {
    const known = hashes.flatMap((hash) => this.#entries.get(hash) ?? []);
    const keep = this.#numRetained + known.filter(({ references }) => references === 0).length;
    const fresh = hashes.filter((hash) => !this.#entries.has(hash));
    return fresh.slice(0, Math.max(0, this.maxCachedBlocks - keep));
  }

  /** Forgets one block that is neither retained nor of the chain that comes in. */
  #evict(incoming: BlockHash, chain: ReadonlySet<string>): Entry<B> {
    const canEvict = (key: string | number): boolean =>
      !chain.has(String(key)) && this.#entries.get(key as BlockHash)?.references === 0;
    const victim = this.#policy.victim(incoming, canEvict, this.#now);
    const entry = this.#entries.get(victim as BlockHash);
    if (!entry) throw new Error('The eviction policy named no block although one can go.');
    this.#forget(entry);
    return entry;
  }

  #add(entry: Entry<B>): void {
    const { hash, depth, parent } = entry;
    this.#entries.set(hash, entry);
    if (parent !== null) {
      const siblings = this.#children.get(parent);
      if (siblings) siblings.add(hash);
      else this.#children.set(parent, new Set([hash]));
    }
    this.#policy.admit(hash, this.#facts(depth));
  }

  #tell(type: 'alloc' | 'free' | 'evict' | 'hit', entries: readonly Entry<B>[]): void {
    for (const { hash, block, depth } of entries) this.#events.emit(type, { hash, block, depth });
  }

  #forget({ hash, parent }: Entry<B>): void {
    this.#entries.delete(hash);
    const siblings = parent === null ? undefined : this.#children.get(parent);
    siblings?.delete(hash);
    if (parent !== null && siblings?.size === 0) this.#children.delete(parent);
  }

  /** @throws KVNotCachedError */
  #all(hashes: readonly BlockHash[]): Entry<B>[] {
    return hashes.map((hash) => {
      const entry = this.#entries.get(hash);
      if (!entry) throw new KVNotCachedError(hash);
      return entry;
    });
  }

  #subtree(root: BlockHash): Entry<B>[] {
    const found: Entry<B>[] = [];
    const queue: BlockHash[] = [root];
    for (let hash = queue.shift(); hash !== undefined; hash = queue.shift()) {
      const entry = this.#entries.get(hash);
      if (entry) found.push(entry);
      queue.push(...(this.#children.get(hash) ?? []));
    }
    return found;
  }

  #facts(depth: number): BlockFacts {
    return { size: 1, cost: this.#costOf(depth), depth, now: this.#now++ };
  }
}
