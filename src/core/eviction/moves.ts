/**
 * From kept tokens to a list of moves that makes them contiguous, so that the blocks behind them can be freed.
 *
 * Kept tokens below the new length stay; each hole there is filled by a kept token from beyond. No place is then both
 * source and destination, so that all moves may run at once, and there are as few as possible. The order of the tokens
 * changes, which attention does not notice (keys carry their position); whoever needs their age keeps it beside them,
 * moved by the same list.
 */

/** Cache positions of one sequence (or one kv head of it). */
export interface Move {
  readonly from: number;
  readonly to: number;
}

/**
 * The i-th hole, counted up, receives the i-th kept token beyond, counted down from the end: the order that the top-k
 * kernel emits.
 * @param kept Ascending.
 */
export function compactionMoves(kept: readonly number[]): Move[] {
  const size = kept.length;
  const staying = new Set(kept);
  const moves: Move[] = [];
  let source = size - 1;
  for (let to = 0; to < size; to++) {
    if (staying.has(to)) continue;
    moves.push({ from: kept[source--] ?? to, to });
  }
  return moves;
}

/** The same moves between slots (block · blockSize + offset). @param table The sequence's blocks. */
export function slotMoves(moves: readonly Move[], table: ArrayLike<number>, blockSize: number): Move[] {
  const slot = (position: number) =>
    (table[Math.floor(position / blockSize)] ?? 0) * blockSize + (position % blockSize);
  return moves.map(({ from, to }) => ({ from: slot(from), to: slot(to) }));
}

/** A per-token array (scores, positions) after the moves, cut to the new length. */
export function applyMoves<T>(items: readonly T[], moves: readonly Move[], newLength: number): T[] {
  const out = items.slice(0, newLength);
  for (const { from, to } of moves) {
    const item = items[from];
    if (item !== undefined) out[to] = item;
  }
  return out;
}

/** Blocks at the table's end that hold nothing once `length` tokens have become `kept`. */
export function freedBlocks(length: number, kept: number, blockSize: number): number {
  return Math.ceil(length / blockSize) - Math.ceil(kept / blockSize);
}
