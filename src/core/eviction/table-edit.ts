/** Block tables without some of their blocks: how block-granular policies evict, with no copy. */

export interface EditedTable {
  readonly table: number[];
  /** Blocks that left, to be given back to the pool. */
  readonly freed: number[];
  /** Tokens behind the edited table. */
  readonly length: number;
}

/**
 * Keeps the blocks at these indices of the table, in order. Only the last block may be partial, so it must be kept.
 * @throws RangeError where it is not.
 */
export function editTable(
  table: readonly number[],
  length: number,
  blockSize: number,
  keptBlocks: readonly number[],
): EditedTable {
  const blocks = Math.ceil(length / blockSize);
  if (blocks > 0 && keptBlocks.at(-1) !== blocks - 1) {
    throw new RangeError(
      `The edit keeps block ${keptBlocks.at(-1) ?? 'none'} as its last; keep the newest block, ${blocks - 1}, which may be partial.`,
    );
  }
  const kept = new Set(keptBlocks);
  const used = table.slice(0, blocks);
  return {
    table: used.filter((_, index) => kept.has(index)),
    freed: used.filter((_, index) => !kept.has(index)),
    length: length - (blocks - kept.size) * blockSize,
  };
}
