/**
 * What each kind of layer keeps: bytes of a token, of a state, and how they grow with a sequence. In the formats that a
 * serving engine has, on one rank of a tensor-parallel group.
 *
 * Sources: vLLM v1/kv_cache_interface.py@001cabc (attention, MLA, sliding window, chunked local, Mamba specs); int4 and
 * int2 in groups of 32 as KIVI (arXiv:2402.02750).
 *
 * Boundary: bytes of tokens, without blocks. Blocks and groups of layers are in hybrid.ts, memory is in budget.ts.
 */
import type { Architecture, LayerKind, Mixer, StateMixer } from '../model/architecture.ts';
import { groupedBits, kvHeadsPerRank, layerBytesPerToken, perTokenHeadBits, type LayerKv } from './bytes.ts';

/** `bf16` and `fp8` (one scale a tensor), int8 with a scale for each token and head, int4 and int2 in groups. */
export type ServedKvFormat = 'bf16' | 'fp8' | 'int8' | 'int4' | 'int2';

/** Channels that share a scale and a zero point. */
const GROUP = 32;

const ELEMENT_BITS: Record<ServedKvFormat, (dim: number) => number> = {
  bf16: () => 16,
  fp8: () => 8,
  int8: perTokenHeadBits,
  int4: () => groupedBits(4, GROUP),
  int2: () => groupedBits(2, GROUP),
};

/** Bits of one element of a head's vector of `dim` elements, scales included. */
export function kvElementBits(format: ServedKvFormat, dim: number): number {
  return ELEMENT_BITS[format](dim);
}

/** Latent channels that share one f32 scale in the packed MLA format (fp8_ds_mla). */
const LATENT_GROUP = 128;

function latentKv(latentDim: number, ropeDim: number, format: ServedKvFormat): LayerKv {
  if (format === 'bf16') return { kind: 'latent', latentDim, ropeDim, bits: 16 };
  // The rotary part stays in bf16. fp8 and int8 have one f32 scale for 128 channels: 656 B for 512 + 64.
  const bits =
    format === 'fp8' || format === 'int8' ? 8 + 32 / LATENT_GROUP : kvElementBits(format, latentDim);
  return { kind: 'packed', bytes: (latentDim * bits) / 8 + ropeDim * 2 };
}

/** What one layer keeps of a token on one of `ranks` ranks; null where it keeps nothing of a token. */
export function layerKv(mixer: Mixer, format: ServedKvFormat, ranks = 1): LayerKv | null {
  switch (mixer.kind) {
    case 'full':
    case 'sliding':
    case 'chunked': {
      if (mixer.sharesKv === true) return null;
      const { keyDim } = mixer;
      const valueDim = mixer.keyIsValue === true ? 0 : mixer.valueDim;
      return {
        kind: 'heads',
        kvHeads: kvHeadsPerRank(mixer.kvHeads, ranks),
        keyDim,
        valueDim,
        keyBits: kvElementBits(format, keyDim),
        valueBits: kvElementBits(format, mixer.valueDim),
      };
    }
    case 'latent':
      return latentKv(mixer.latentDim, mixer.ropeDim, format);
    case 'mamba':
    case 'delta':
    case 'none':
      return null;
    default:
      return mixer satisfies never;
  }
}

/** Bytes that one token adds to one layer of one rank. */
export function mixerBytesPerToken(mixer: Mixer, format: ServedKvFormat, ranks = 1): number {
  const kv = layerKv(mixer, format, ranks);
  if (kv === null) return 0;
  // Compressed attention keeps one entry for several tokens.
  const tokens = mixer.kind === 'full' ? (mixer.entryTokens ?? 1) : 1;
  return layerBytesPerToken(kv) / tokens;
}

function isState(mixer: Mixer): mixer is StateMixer {
  return mixer.kind === 'mamba' || mixer.kind === 'delta';
}

/**
 * Bytes that one sequence keeps in one layer of one rank whatever its length: the state, and the last inputs of the short
 * convolution in bf16. Heads are divided among ranks.
 */
export function mixerStateBytes(mixer: Mixer, ranks = 1): number {
  if (!isState(mixer)) return 0;
  const convRows = mixer.convTokens - 1;
  if (mixer.kind === 'mamba') {
    const inner = mixer.heads * mixer.headDim;
    const conv = (inner + 2 * mixer.groups * mixer.stateDim) * convRows * 2;
    return (conv + inner * mixer.stateDim * mixer.stateBytesPerElement) / ranks;
  }
  const { keyHeads, valueHeads, keyDim, valueDim, stateBytesPerElement } = mixer;
  const conv = (2 * keyHeads * keyDim + valueHeads * valueDim) * convRows * 2;
  return (conv + valueHeads * keyDim * valueDim * stateBytesPerElement) / ranks;
}

/** Tokens of a sequence of `tokens` that a layer still needs. */
export function keptTokens(mixer: Mixer, tokens: number): number {
  switch (mixer.kind) {
    case 'full':
    case 'latent':
      return tokens;
    case 'sliding':
      return Math.min(tokens, mixer.windowTokens);
    case 'chunked':
      return tokens === 0 ? 0 : ((tokens - 1) % mixer.chunkTokens) + 1;
    case 'mamba':
    case 'delta':
    case 'none':
      return 0;
    default:
      return mixer satisfies never;
  }
}

export interface KvSharding {
  readonly format: ServedKvFormat;
  /** Ranks of the tensor-parallel group. */
  readonly tensorParallel?: number;
}

/** One kind of layer, as a line of a chart: what a sequence of so many tokens keeps in all its layers. */
export function kindSequenceBytes(
  { layers, mixer }: LayerKind,
  tokens: number,
  { format, tensorParallel = 1 }: KvSharding,
): number {
  const perToken = mixerBytesPerToken(mixer, format, tensorParallel);
  return (
    layers *
    (perToken * keptTokens(mixer, tokens) + (tokens > 0 ? mixerStateBytes(mixer, tensorParallel) : 0))
  );
}

/** Bytes of a sequence of `tokens` tokens on one rank, all layers, without paging waste. */
export function sequenceKvBytes(
  model: Pick<Architecture, 'kinds'>,
  tokens: number,
  sharding: KvSharding,
): number {
  return model.kinds.reduce((sum, kind) => sum + kindSequenceBytes(kind, tokens, sharding), 0);
}

/** Bytes that a token adds on one rank while nothing has slid out of a window: what engines print as bytes of a token. */
export function modelBytesPerToken(
  model: Pick<Architecture, 'kinds'>,
  { format, tensorParallel = 1 }: KvSharding,
): number {
  return model.kinds.reduce(
    (sum, { layers, mixer }) => sum + layers * mixerBytesPerToken(mixer, format, tensorParallel),
    0,
  );
}
