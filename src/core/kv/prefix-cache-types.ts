/** What a PrefixCache is asked and answers; the cache itself is in prefix-cache.ts. */
import type { BlockPolicyName } from '../eviction/blocks/index.ts';
import type { BlockHash } from './block-hash.ts';

export interface PrefixCacheOptions {
  /** Tokens of a block; 16 where left out. */
  readonly blockSize?: number;
  /** Blocks that are remembered at most. */
  readonly maxCachedBlocks: number;
  /** Which block goes when there is no room; `lru` where left out. */
  readonly policy?: BlockPolicyName;
}

export interface PrefixHit<B> {
  /** The cached blocks of the prompt's beginning, in order. */
  readonly blocks: readonly B[];
  /** Tokens in them. */
  readonly numTokens: number;
}

interface BlockEvent<B> {
  readonly hash: BlockHash;
  readonly block: B;
  /** Place in its prompt, 0 for the first block. */
  readonly depth: number;
}

/** `alloc`: a block is cached from now on. `free`: it was invalidated. `miss`: it was looked up and is not cached. */
export interface PrefixCacheEvents<B> {
  alloc: BlockEvent<B>;
  free: BlockEvent<B>;
  evict: BlockEvent<B>;
  hit: BlockEvent<B>;
  miss: { readonly hash: BlockHash; readonly depth: number };
}

export interface Inserted<B> {
  /** Blocks that the cache took. */
  readonly blocks: readonly B[];
  /** Blocks that it forgot to make room. */
  readonly evicted: readonly B[];
}

export interface PrefixCacheStats {
  readonly cachedBlocks: number;
  readonly maxCachedBlocks: number;
  readonly retainedBlocks: number;
  readonly lookups: number;
  /** Blocks that were looked up: full blocks of prompts, up to the one with the last token. */
  readonly lookedUpBlocks: number;
  readonly hitBlocks: number;
  /** hitBlocks / lookedUpBlocks; 0 before the first. */
  readonly hitRatio: number;
  readonly lookedUpTokens: number;
  readonly hitTokens: number;
  readonly insertedBlocks: number;
  readonly evictedBlocks: number;
  readonly invalidatedBlocks: number;
  readonly listenerErrors: number;
}
