/**
 * Block ids of requests that share text: what each full block of prompt and output holds.
 *
 * An id stands for all text up to its block's end, so rows share ids exactly as far as their texts agree. Text of a row's
 * own has ids too: a cache can't know that nobody will ask for it again.
 */

/** Ids of one table: a gigabyte. */
export const MAX_BLOCK_IDS = 2 ** 28;

/** What a row's text begins with. */
export interface SharedStart {
  /** Row whose prompt and output come first; −1: none. */
  readonly parent: Int32Array;
  /** Draws the system prompt of the next row without a parent. */
  readonly system: () => number;
  readonly systemTokens: number;
  readonly numSystems: number;
}

export interface BlockIds {
  readonly blockStart: Int32Array;
  readonly blockIds: Int32Array;
}

/** @throws RangeError where the ids are more than a table holds */
export function blockIdsOf(
  promptTokens: Int32Array,
  outputTokens: Int32Array,
  { parent, system, systemTokens, numSystems }: SharedStart,
  blockSize: number,
): BlockIds {
  const blockStart = startsOf(promptTokens, outputTokens, blockSize);
  const blockIds = new Int32Array(blockStart[promptTokens.length] ?? 0);
  const systemBlocks = Math.floor(systemTokens / blockSize);
  let next = numSystems * systemBlocks;
  for (let row = 0; row < promptTokens.length; row++) {
    const start = blockStart[row] ?? 0;
    const end = blockStart[row + 1] ?? 0;
    const above = parent[row] ?? -1;
    let at = start;
    if (above >= 0) {
      const from = blockStart[above] ?? 0;
      blockIds.copyWithin(at, from, blockStart[above + 1] ?? 0);
      at += (blockStart[above + 1] ?? 0) - from;
    } else {
      const first = system() * systemBlocks;
      const known = Math.min(end, start + systemBlocks);
      for (; at < known; at++) blockIds[at] = first + at - start;
    }
    while (at < end) blockIds[at++] = next++;
  }
  return { blockStart, blockIds };
}

function startsOf(promptTokens: Int32Array, outputTokens: Int32Array, blockSize: number): Int32Array {
  const blockStart = new Int32Array(promptTokens.length + 1);
  let ids = 0;
  for (let row = 0; row < promptTokens.length; row++) {
    ids += Math.floor(((promptTokens[row] ?? 0) + (outputTokens[row] ?? 0)) / blockSize);
    if (ids > MAX_BLOCK_IDS) {
      throw new RangeError(
        `The first ${row + 1} requests have ${ids} blocks of text, more than the ${MAX_BLOCK_IDS} that can be told ` +
          `apart; lower workload.requests to ${row}, or set workload.sharing to none.`,
      );
    }
    blockStart[row + 1] = ids;
  }
  return blockStart;
}
