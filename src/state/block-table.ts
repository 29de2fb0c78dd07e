/** The block table of one sequence as cells to draw: which block, how full, how many share it, what was evicted. */
import type { GenerationUpdate, SequenceCache } from '../workers/model-api.ts';

export interface BlockCell {
  /** Number of the block in the pool. */
  readonly block: number;
  /** Tokens in it, of its slots. */
  readonly filled: number;
  /** Sequences that hold it. */
  readonly references: number;
}

export interface BlockTableView {
  readonly cells: readonly BlockCell[];
  /** Blocks beyond the cells that are drawn. */
  readonly more: number;
  readonly evictedTokens: number;
}

/** Cells beyond these say nothing that the first ones do not. */
export const MOST_CELLS = 256;

/** Tokens fill the table from its front: what a policy evicts leaves whole blocks, or is closed up. */
export function blockTable(cache: SequenceCache, blockSize: number, most = MOST_CELLS): BlockTableView {
  const { blocks, references, storedTokens, evictedTokens } = cache;
  const cells = blocks.slice(0, most).map((block, at) => ({
    block,
    filled: Math.max(0, Math.min(blockSize, storedTokens - at * blockSize)),
    references: references[at] ?? 1,
  }));
  return { cells, more: Math.max(0, blocks.length - most), evictedTokens };
}

/** The same for people who do not see the picture. */
export function blockTableSentence(cache: SequenceCache, blockSize: number): string {
  const { blocks, references, storedTokens, evictedTokens, cachedTokens } = cache;
  const shared = references.filter((count) => count > 1).length;
  const parts = [
    `${storedTokens} tokens in ${blocks.length} ${blocks.length === 1 ? 'block' : 'blocks'} of ${blockSize}`,
    ...(shared > 0 ? [`${shared} shared with other sequences`] : []),
    ...(cachedTokens > 0 ? [`${cachedTokens} prompt tokens were found in the prefix cache`] : []),
    ...(evictedTokens > 0 ? [`${evictedTokens} tokens evicted`] : []),
  ];
  return `${parts.join('; ')}.`;
}

type Pool = Pick<
  GenerationUpdate,
  'numBlocks' | 'numActiveBlocks' | 'numCachedBlocks' | 'numRunning' | 'numWaiting'
>;

/** The pool that all sequences share. @param busy false: as it stood at the last step */
export function poolSentence(pool: Pool, busy: boolean): string {
  const { numBlocks, numActiveBlocks, numCachedBlocks, numRunning, numWaiting } = pool;
  const when = busy ? 'Pool' : 'Pool at the last step';
  const kept = numCachedBlocks > 0 ? `, ${numCachedBlocks} kept for prompts that begin alike` : '';
  const blocks = `${numActiveBlocks} of ${numBlocks} blocks in use${kept}`;
  if (!busy) return `${when}: ${blocks}.`;
  const running = `${numRunning} ${numRunning === 1 ? 'sequence runs' : 'sequences run'}`;
  const waiting = numWaiting > 0 ? `, ${numWaiting} ${numWaiting === 1 ? 'waits' : 'wait'}` : '';
  return `${when}: ${blocks}; ${running}${waiting}.`;
}
