/**
 * What a KV cache costs in bytes, from shapes alone; and how many blocks a number of tokens takes.
 *
 * Boundary: the general accounting of published models and formats (MLA, sliding windows, ggml types). The exact bytes
 * of this laboratory's own pool are in formats.ts. Sources: vLLM v1/kv_cache_interface.py@001cabc; ggml-common.h@d99724f;
 * PagedAttention (arXiv:2309.06180).
 */

/** Bits of one stored element, scales and minima included, of formats whose cost does not depend on the vector. */
export const FORMAT_BITS = {
  f32: 32,
  f16: 16,
  bf16: 16,
  fp8: 8,
  q8_0: (34 * 8) / 32,
  q8_1: (36 * 8) / 32,
  q5_1: (24 * 8) / 32,
  q5_0: (22 * 8) / 32,
  q4_1: (20 * 8) / 32,
  q4_0: (18 * 8) / 32,
  mxfp4: (17 * 8) / 32,
  nvfp4: (36 * 8) / 64,
} as const;
export type StoredFormat = keyof typeof FORMAT_BITS;

/** int8 or fp8 with one f32 scale for each head's vector. */
export function perTokenHeadBits(headDim: number): number {
  return 8 + 32 / headDim;
}

/** Codes in groups that share a scale and a zero point (KIVI: 16 bits each). */
export function groupedBits(bits: number, group: number, scaleBits = 16, zeroBits = 16): number {
  return bits + (scaleBits + zeroBits) / group;
}

/** What one layer keeps of a token. */
export type LayerKv =
  /** Multi-head, grouped-query and multi-query attention: a key and a value for each KV head. */
  | {
      readonly kind: 'heads';
      readonly kvHeads: number;
      readonly keyDim: number;
      readonly valueDim: number;
      readonly keyBits: number;
      readonly valueBits: number;
    }
  /** Multi-head latent attention: one latent for all heads and for K and V together, on every rank. */
  | { readonly kind: 'latent'; readonly latentDim: number; readonly ropeDim: number; readonly bits: number }
  /** A store whose bytes are given. */
  | { readonly kind: 'packed'; readonly bytes: number };

/** Bytes that one token adds to one layer. */
export function layerBytesPerToken(layer: LayerKv): number {
  switch (layer.kind) {
    case 'heads':
      return (layer.kvHeads * (layer.keyDim * layer.keyBits + layer.valueDim * layer.valueBits)) / 8;
    case 'latent':
      return ((layer.latentDim + layer.ropeDim) * layer.bits) / 8;
    case 'packed':
      return layer.bytes;
    default:
      return layer satisfies never;
  }
}

/** Layers of a model that keep the same. */
export interface LayerGroup {
  readonly layers: number;
  readonly bytesPerToken: number;
  /** Newest tokens that a sliding or chunked layer keeps; null: all of them. */
  readonly windowTokens: number | null;
}

/** Bytes of one sequence of `tokens` tokens over all layers, without paging waste. */
export function sequenceBytes(groups: readonly LayerGroup[], tokens: number): number {
  return groups.reduce((sum, { layers, bytesPerToken, windowTokens }) => {
    const kept = windowTokens === null ? tokens : Math.min(tokens, windowTokens);
    return sum + layers * bytesPerToken * kept;
  }, 0);
}

/** KV heads of one rank under tensor parallelism; replicated where there are fewer heads than ranks. */
export function kvHeadsPerRank(kvHeads: number, ranks: number): number {
  return Math.max(1, Math.floor(kvHeads / ranks));
}

/** Bytes of one block of one layer. */
export function pageBytes(layer: LayerKv, blockSize: number): number {
  return blockSize * layerBytesPerToken(layer);
}

export function blocksForTokens(tokens: number, blockSize: number): number {
  return Math.ceil(tokens / blockSize);
}

/** Slots of the last block that hold no token. */
export function tailWasteSlots(tokens: number, blockSize: number): number {
  return blocksForTokens(tokens, blockSize) * blockSize - tokens;
}

/** Mean of `tailWasteSlots` over lengths whose remainder is uniform. */
export function expectedTailWaste(blockSize: number): number {
  return (blockSize - 1) / 2;
}

/**
 * Most blocks that a sliding-window layer holds at once while prompts are processed `maxBatchedTokens` at a time; one
 * more because the window may start inside a block (vLLM SlidingWindowSpec).
 */
export function slidingWindowMaxBlocks(
  windowTokens: number,
  maxBatchedTokens: number,
  maxModelTokens: number,
  blockSize: number,
): number {
  return blocksForTokens(Math.min(windowTokens - 1 + maxBatchedTokens, maxModelTokens), blockSize) + 1;
}

/** Leading blocks that no later token can see any more under a sliding window. */
export function slidingWindowFreeableBlocks(
  computedTokens: number,
  windowTokens: number,
  blockSize: number,
): number {
  return Math.max(0, Math.floor((computedTokens - windowTokens + 1) / blockSize));
}

/** Blocks of a pool of `availableBytes` that every layer shares alike (vLLM, one block table for all layers). */
export function numBlocks(availableBytes: number, bytesPerPage: number, layers: number): number {
  return Math.floor(Math.floor(availableBytes / bytesPerPage) / layers);
}
