/**
 * Memory without a token in it: what reserving the longest length wastes, and what paging does.
 *
 * Reserved: 1 − Σ length / (n · longest) (PagedAttention, arXiv:2309.06180: earlier systems held token state in 20 to 38 %
 * of their KV memory). Paged: the slots of each sequence's last block that hold no token.
 */
import { blocksForTokens } from '../../core/kv/bytes.ts';

/** Share of reserved slots without a token when each sequence reserves `longest`. */
export function reservedWaste(lengths: readonly number[], longest: number): number {
  const held = lengths.reduce((sum, tokens) => sum + Math.min(tokens, longest), 0);
  return lengths.length === 0 || longest <= 0 ? 0 : 1 - held / (lengths.length * longest);
}

/** Share of the slots of all blocks that hold no token. */
export function pagedWaste(lengths: readonly number[], blockSize: number): number {
  let held = 0;
  let slots = 0;
  for (const tokens of lengths) {
    held += tokens;
    slots += blocksForTokens(tokens, blockSize) * blockSize;
  }
  return slots === 0 ? 0 : 1 - held / slots;
}

/** Block sizes that engines have. */
export const BLOCK_SIZES = [1, 8, 16, 32, 64, 128, 256] as const;

export interface Waste {
  readonly blockSize: number;
  /** Share of the slots without a token. */
  readonly waste: number;
  /** Requests of these lengths that a pool of so many tokens holds at once, on the average. */
  readonly requests: number;
}

/** Requests of these lengths that a pool holds at once when they take blocks as they grow. */
export function pagedRequests(lengths: readonly number[], kvTokens: number, blockSize: number): number {
  const slots = lengths.reduce((sum, tokens) => sum + blocksForTokens(tokens, blockSize) * blockSize, 0);
  const pool = Math.floor(kvTokens / blockSize) * blockSize;
  return slots === 0 ? 0 : Math.floor((pool * lengths.length) / slots);
}

/** Requests that a pool holds when each reserves the longest. */
export function reservedRequests(kvTokens: number, longest: number): number {
  return longest <= 0 ? 0 : Math.floor(kvTokens / longest);
}

/** Lengths of a long trace that block sizes are compared on. */
const MOST_LENGTHS = 4096;

/** At most so many of sorted lengths, evenly spread. */
function spread(sorted: readonly number[]): readonly number[] {
  if (sorted.length <= MOST_LENGTHS) return sorted;
  const step = sorted.length / MOST_LENGTHS;
  return Array.from({ length: MOST_LENGTHS }, (_, i) => sorted[Math.floor((i + 0.5) * step)] ?? 0);
}

/** Paging, block size by block size, for a pool of `kvTokens`. @param sorted lengths of requests */
export function wasteByBlockSize(sorted: readonly number[], kvTokens: number): Waste[] {
  const lengths = spread(sorted);
  return BLOCK_SIZES.map((blockSize) => ({
    blockSize,
    waste: pagedWaste(lengths, blockSize),
    requests: pagedRequests(lengths, kvTokens, blockSize),
  }));
}
