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
