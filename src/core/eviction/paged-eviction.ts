/**
 * PagedEviction (arXiv:2509.04377): a token's score is ‖value‖ / ‖key‖, a block's the mean of its tokens; when the
 * newest block fills, the whole block with the lowest mean leaves the table. No token moves.
 *
 * The block of the attention sinks and the newest block are protected, and heads share a block table, so a block's
 * score is the mean over heads as well.
 */
import { norm } from './knorm.ts';
import type { EvictionPolicy, KeepInput } from './policy.ts';
import { keepBest, range } from './select.ts';

/** ‖value‖ / ‖key‖ of each token; a key of zeros gives 0, the first to go. */
export function valueKeyScores(
  keys: readonly ArrayLike<number>[],
  values: readonly ArrayLike<number>[],
): number[] {
  return keys.map((key, token) => {
    const length = norm(key);
    return length > 0 ? norm(values[token] ?? []) / length : 0;
  });
}

/** Mean of each block's tokens; the last block may be partial. */
export function blockMeans(scores: ArrayLike<number>, length: number, blockSize: number): number[] {
  return range(0, Math.ceil(length / blockSize)).map((block) => {
    const end = Math.min(length, (block + 1) * blockSize);
    const tokens = range(block * blockSize, end);
    return tokens.reduce((sum, token) => sum + (scores[token] ?? 0), 0) / tokens.length;
  });
}

/** Index of the block with the lowest mean, ties to the lower index. */
export function lowestBlock(means: readonly number[]): number {
  return means.reduce((lowest, mean, block) => (mean < (means[lowest] ?? Infinity) ? block : lowest), 0);
}

/** At least the sinks' block and the newest. */
export function budgetBlocks(budget: number, blockSize: number): number {
  return Math.max(2, Math.floor(budget / blockSize));
}

/** Indices of the blocks that stay, ascending. */
export function keepBlocks({ length, budget, scores, blockSize }: KeepInput): number[] {
  const means = blockMeans(scores, length, blockSize);
  return keepBest(means, means.length, budgetBlocks(budget, blockSize), { first: 1, last: 1 });
}

export const pagedEviction: EvictionPolicy = {
  name: 'paged-eviction',
  title: 'PagedEviction',
  about: 'Drops whole blocks whose values are short beside their keys.',
  source: 'arXiv:2509.04377',
  signal: 'value-key-ratio',
  scope: 'sequence',
  unit: 'block',
  frees: true,
  when: 'decode',
  protectedTokens: (_, blockSize) => ({ first: blockSize, last: blockSize }),
  keep: (input) =>
    keepBlocks(input).flatMap((block) =>
      range(block * input.blockSize, Math.min(input.length, (block + 1) * input.blockSize)),
    ),
};
