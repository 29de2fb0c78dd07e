/**
 * What it costs to compute a block of a prompt again: the cost of a miss, for policies that weigh it (GDSF).
 *
 * A block's linear layers cost the same wherever it lies; its attention reads every token before it, so it costs more
 * the deeper the block lies.
 */

export interface PrefillFlops {
  /** 2 · parameters of the layers. */
  readonly linearPerToken: number;
  /** 4 · layers · query heads · head dimension: QKᵀ and PV of one query with one key. */
  readonly attentionPerPair: number;
}

/** 32 layers of 218,103,808 parameters, 32 query heads of 128. Source: meta-llama/Llama-3.1-8B config.json. */
const LLAMA_3_1_8B: PrefillFlops = {
  linearPerToken: 2 * 32 * 218_103_808,
  attentionPerPair: 4 * 32 * 32 * 128,
};

/** Recompute FLOPs of the block at a depth, in blocks without attention: 1 and a little for the first one. */
export function recomputeCost(blockTokens: number, flops = LLAMA_3_1_8B): (depth: number) => number {
  const attentionShare = (flops.attentionPerPair * blockTokens) / flops.linearPerToken;
  // The block's own tokens see half of the block on average.
  return (depth) => 1 + attentionShare * (depth + 0.5);
}
