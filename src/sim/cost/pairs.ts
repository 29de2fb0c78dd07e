/**
 * Pairs of query and key that a chunk of prompt computes, exactly, under each kind of reach.
 *
 * Position p (from 0) sees p + 1 tokens in all, min(p + 1, W) of a window of W, p mod C + 1 of a chunk of C.
 */
import type { Reach } from './shard.ts';

/** 1 + 2 + … + n */
function triangle(n: number): number {
  return (n * (n + 1)) / 2;
}

/** Pairs of the first n positions. */
function pairsUpTo(reach: Reach, limit: number, n: number): number {
  switch (reach) {
    case 'none':
      return 0;
    case 'all':
      return triangle(n);
    case 'window':
      return n <= limit ? triangle(n) : triangle(limit) + (n - limit) * limit;
    case 'chunk':
      return Math.floor(n / limit) * triangle(limit) + triangle(n % limit);
    default:
      return reach satisfies never;
  }
}

/**
 * @param limit the window or the chunk; unused otherwise
 * @param before tokens of the sequence that were computed before
 * @param tokens tokens of the chunk
 */
export function pairsSeen(reach: Reach, limit: number, before: number, tokens: number): number {
  return pairsUpTo(reach, limit, before + tokens) - pairsUpTo(reach, limit, before);
}
