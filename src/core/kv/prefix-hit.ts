/**
 * The longest prefix of a text that the cache answers in all groups of layers at once, each by its own rule:
 *   all     every block from the first on
 *   window  as many blocks in a row as the window has, ending where the hit ends; or all from the first on
 *   chunk   every block of the chunk of positions in which the hit ends
 * One group shortens what another found, until nothing changes. (vLLM v1/core/kv_cache_coordinator.py@00b08dc)
 *
 * Boundary: asks only whether blocks are there; groups with a state have no prefix cache.
 */
import { slidingWindowBlocksForHit } from './hybrid.ts';
import { goneBlocks, type BlockGroup } from './block-groups.ts';
import type { BlockId } from './pool.ts';

/** Whether a block, counted from the text's first, is cached for a group. */
export type HasBlock = (group: number, block: number) => boolean;

function inARow(has: (block: number) => boolean, from: number, to: number): number {
  let block = from;
  while (block < to && has(block)) block++;
  return block - from;
}

/** The end of the longest hit of a window, in blocks. @param aligned whether a hit may end behind so many blocks */
function windowHit(
  has: (block: number) => boolean,
  most: number,
  needed: number,
  aligned: (blocks: number) => boolean,
): number {
  let row = 0;
  for (let block = most - 1; block >= 0; block--) {
    if (row === 0 && !aligned(block + 1)) continue;
    row = has(block) ? row + 1 : 0;
    if (row >= needed && row > 0) return block + row;
  }
  return row;
}

/** Tokens that one group answers of the first `tokens`. */
function groupHit(
  group: BlockGroup,
  has: (block: number) => boolean,
  tokens: number,
  alignment: number,
): number {
  const { keeps, blockSize } = group;
  const most = Math.floor(tokens / blockSize);
  const aligned = (blocks: number): boolean => (blocks * blockSize) % alignment === 0;
  let blocks: number;
  switch (keeps.kind) {
    case 'all':
      blocks = inARow(has, 0, most);
      break;
    case 'window': {
      const needed = slidingWindowBlocksForHit(keeps.tokens, blockSize);
      // A window of one token needs nothing of what was before.
      blocks = needed === 0 ? most : windowHit(has, most, needed, aligned);
      break;
    }
    case 'chunk': {
      const start = Math.floor((Math.floor(tokens / keeps.tokens) * keeps.tokens) / blockSize);
      blocks = start + inARow(has, start, most);
      break;
    }
    case 'state':
      return 0;
    default:
      return keeps satisfies never;
  }
  while (blocks > 0 && !aligned(blocks)) blocks--;
  return blocks * blockSize;
}

/**
 * @param tokens most tokens that a hit may have
 * @param alignment a multiple of all groups' block sizes: hits end there
 */
export function longestHit(
  groups: readonly BlockGroup[],
  has: HasBlock,
  tokens: number,
  alignment: number,
): number {
  let hit = Math.floor(tokens / alignment) * alignment;
  for (;;) {
    const before = hit;
    groups.forEach((group, index) => {
      hit = groupHit(group, (block) => has(index, block), hit, alignment);
    });
    if (hit === before) return hit;
  }
}

/** How a group's table begins. */
export interface TableStart {
  /** Leading blocks that it never has. */
  readonly gone: number;
  /** Blocks of the hit that it takes. */
  readonly hits: readonly BlockId[];
}

/**
 * What of a hit a group still needs once `computed` tokens need no computing. What is loaded from elsewhere and out of
 * sight already is given no block.
 * @param find the block that holds a block of the text, which is there for all of a hit
 */
export function startOf(
  group: BlockGroup,
  hitTokens: number,
  computed: number,
  find: (block: number) => BlockId,
): TableStart {
  const end = group.keeps.kind === 'state' ? 0 : hitTokens / group.blockSize;
  const unseen = goneBlocks(group, computed);
  if (unseen >= end) return { hits: [], gone: unseen };
  const gone = goneBlocks(group, hitTokens);
  return { hits: Array.from({ length: end - gone }, (_, i) => find(gone + i)), gone };
}
