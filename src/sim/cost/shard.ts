/**
 * One layer kind on one rank of a tensor-parallel group, as the numbers that a step is multiplied with. Made once for a
 * scenario; the step itself (step-time.ts) is arithmetic over these.
 *
 * Under tensor parallelism matrices and query heads are divided, KV heads too while there are enough, latents and norms
 * are not. Under pipeline parallelism nothing changes here: see step-time.ts.
 */
import type { AttentionKernel } from '../../core/hardware/records.ts';
import { log } from '../../core/math.ts';
import { mixerBytesPerToken, mixerStateBytes, type ServedKvFormat } from '../../core/kv/layers.ts';
import type { Architecture, LayerKind, Mixer, Perceptron } from '../../core/model/architecture.ts';
import {
  bytesPerDenseWeight,
  bytesPerWeight,
  expectedDistinctExperts,
  layerParams,
  type ServedWeightFormat,
} from '../../core/model/parameters.ts';

/** Which earlier tokens a query sees, and how many of them at most. */
export type Reach = 'none' | 'all' | 'window' | 'chunk';

export interface LayerShard {
  readonly layers: number;
  /** FLOP of a token in the matrices that every token multiplies with, and their bytes. */
  readonly denseFlops: number;
  readonly denseBytes: number;
  /** Bytes of a token that these matrices read and write. */
  readonly activationBytes: number;
  /** FLOP of a token in its experts, how many these are; bytes of one expert; router's FLOP of a token and bytes, in bf16. */
  readonly expertFlops: number;
  readonly activeExperts: number;
  readonly expertBytes: number;
  readonly routerFlops: number;
  readonly routerBytes: number;
  /** Experts that `tokens` tokens read, by tokens; the last entry holds for all beyond. Empty without experts. */
  readonly distinctExperts: Float64Array;
  readonly reach: Reach;
  /** Tokens of the window or the chunk; 0 otherwise. */
  readonly reachTokens: number;
  /** FLOP of one pair of query and key in decode and in prefill. */
  readonly decodePairFlops: number;
  readonly prefillPairFlops: number;
  /** FLOP of one cached token that a prefill has to widen first (MLA). */
  readonly widenFlops: number;
  readonly prefillHeads: number;
  /** Query rows that one decode costs in a step with chunks of prompt; 1 where decodes run in a kernel of their own. */
  readonly mixedRows: number;
  readonly kvBytes: number;
  /** Bytes of a sequence's state: read and written in each step. */
  readonly stateBytes: number;
  /** FLOP of a token in the state. */
  readonly stateFlops: number;
  /** Bytes of a token that elementwise kernels move, and how many kernels these are. */
  readonly elementBytes: number;
  readonly kernels: number;
  /** Matrix products, each a kernel of its own. */
  readonly products: number;
  readonly allReduces: number;
}

export interface ShardOptions {
  readonly weights: ServedWeightFormat;
  readonly kvFormat: ServedKvFormat;
  readonly ranks: number;
  readonly attention: AttentionKernel;
  /** Each rank holds some of the experts whole, instead of a slice of all. Left out: slices. */
  readonly expertParallel?: boolean;
  /** Activation and attention write eight bits themselves where the next matrix wants them. Left out: kernels of their own do. */
  readonly fusedQuantising?: boolean;
}

/** Bytes of an activation. */
const ACTIVATION_BYTES = 2;
/** Reads and writes of the two norms with their residuals: two in and two out, twice. */
const NORM_PASSES = 8;
/** Beyond this many tokens a mixture's step reads all its experts but for a part in 10^6. */
const NEGLIGIBLE = 1e-6;

/** Tables by numbers of experts: a search asks for the same few thousands of times. */
const DISTINCT = new Map<string, Float64Array>();

/**
 * Experts that a step reads, by tokens. Where ranks hold whole experts, the step waits for the rank with the most of
 * them: ranks times its number, for the same sums as with slices.
 */
function distinctTable(
  { experts, activeExperts }: { experts: number; activeExperts: number },
  wholeRanks: number,
): Float64Array {
  const key = `${activeExperts}/${experts}/${wholeRanks}`;
  const known = DISTINCT.get(key);
  if (known) return known;
  const table = experts === 0 ? [] : [0];
  let mean = 0;
  while (experts > 0 && table.length < 65_536 && experts - mean > experts * NEGLIGIBLE) {
    mean = expectedDistinctExperts(experts, activeExperts, table.length);
    table.push(wholeRanks === 1 ? mean : wholeRanks * mostOnARank(mean, experts, wholeRanks));
  }
  const made = Float64Array.from(table);
  DISTINCT.set(key, made);
  return made;
}

/**
 * Of `distinct` experts spread over ranks, how many the fullest rank has: the mean and √(2 ln ranks) deviations of a draw
 * without return, about the largest of as many normal draws. Routing is taken as even; a model with favourite experts
 * does worse.
 */
function mostOnARank(distinct: number, experts: number, ranks: number): number {
  const mean = distinct / ranks;
  const variance = (mean * (1 - 1 / ranks) * (experts - distinct)) / Math.max(1, experts - 1);
  const most = mean + Math.sqrt(Math.max(0, variance) * 2 * log(ranks));
  return Math.min(most, experts / ranks, distinct);
}

/**
 * Rows of FlashAttention-2's tiles as measured on RTX 4090 and RTX PRO 6000, where decodes beside chunks take 1.4 to 2.5
 * times their own time; FlashAttention-3's by its source (hopper/heuristics.h packs the heads of a group under varlen).
 */
const MIXED_ROWS: Record<AttentionKernel, (groupSize: number) => number> = {
  fa2: () => 64,
  fa3: (groupSize) => Math.max(1, 128 / groupSize),
  split: () => 1,
};

type Attention = Pick<
  LayerShard,
  | 'reach'
  | 'reachTokens'
  | 'decodePairFlops'
  | 'prefillPairFlops'
  | 'widenFlops'
  | 'prefillHeads'
  | 'mixedRows'
  | 'stateFlops'
>;
const NO_ATTENTION: Attention = {
  reach: 'none',
  reachTokens: 0,
  decodePairFlops: 0,
  prefillPairFlops: 0,
  widenFlops: 0,
  prefillHeads: 0,
  mixedRows: 1,
  stateFlops: 0,
};

/** FLOP of attention: QKᵀ and PV, two each for a multiply-add. */
function attentionOf(mixer: Mixer, ranks: number, kernel: AttentionKernel): Attention {
  switch (mixer.kind) {
    case 'full':
    case 'sliding':
    case 'chunked': {
      const heads = mixer.queryHeads / ranks;
      const pair = 2 * heads * (mixer.keyDim + mixer.valueDim);
      const tokens =
        mixer.kind === 'sliding' ? mixer.windowTokens : mixer.kind === 'chunked' ? mixer.chunkTokens : 0;
      const reach = mixer.kind === 'sliding' ? 'window' : mixer.kind === 'chunked' ? 'chunk' : 'all';
      const mixedRows = MIXED_ROWS[kernel](mixer.queryHeads / mixer.kvHeads);
      const flops = { decodePairFlops: pair, prefillPairFlops: pair, prefillHeads: heads, mixedRows };
      return { ...NO_ATTENTION, ...flops, reach, reachTokens: tokens };
    }
    case 'latent': {
      const heads = mixer.queryHeads / ranks;
      const { latentDim, ropeDim, nopeDim, valueDim } = mixer;
      return {
        ...NO_ATTENTION,
        reach: 'all',
        // Decode works on the latent itself, in a kernel of its own; prefill widens it to heads first.
        decodePairFlops: 2 * heads * (2 * latentDim + ropeDim),
        prefillPairFlops: 2 * heads * (nopeDim + ropeDim + valueDim),
        widenFlops: 2 * latentDim * heads * (nopeDim + valueDim),
        prefillHeads: heads,
      };
    }
    // A token reads the state once and adds to it once: a decay, an outer product and a product, two FLOP each.
    case 'mamba':
      return { ...NO_ATTENTION, stateFlops: (6 * mixer.heads * mixer.headDim * mixer.stateDim) / ranks };
    case 'delta':
      return { ...NO_ATTENTION, stateFlops: (8 * mixer.valueHeads * mixer.keyDim * mixer.valueDim) / ranks };
    case 'none':
      return NO_ATTENTION;
    default:
      return mixer satisfies never;
  }
}

/** Width of the middle of the perceptron, once for each expert that a token uses. */
function middleWidth(mlp: Perceptron): number {
  switch (mlp.kind) {
    case 'gated':
    case 'plain':
      return mlp.intermediate;
    case 'experts':
      return mlp.activeExperts * mlp.intermediate + mlp.sharedIntermediate;
    case 'none':
      return 0;
    default:
      return mlp satisfies never;
  }
}

/** Channels that kernels of experts in four bits take at once. */
const PACKED_CHANNELS = 64;

/**
 * By how much the middle of an expert grows on a rank because kernels take whole packs of it: 2,880 on eight ranks is 360
 * and becomes 384. (vLLM v0.10 model_executor/layers/quantization/mxfp4.py, create_weights)
 */
function paddingOf(mlp: Perceptron, { weights, ranks, expertParallel }: ShardOptions): number {
  if (mlp.kind !== 'experts' || (weights !== 'int4' && weights !== 'mxfp4')) return 1;
  const middle = expertParallel === true ? mlp.intermediate : mlp.intermediate / ranks;
  return (Math.ceil(middle / PACKED_CHANNELS) * PACKED_CHANNELS) / middle;
}

/** Inputs and outputs of the mixer's and the dense perceptron's matrices: the whole width on one side of each. */
function activationBytesOf(hidden: number, { mixer, mlp }: LayerKind, ranks: number): number {
  const queries = 'queryHeads' in mixer && 'keyDim' in mixer ? mixer.queryHeads * mixer.keyDim : 2 * hidden;
  const middle = mlp.kind === 'gated' || mlp.kind === 'plain' ? mlp.intermediate : 0;
  return ACTIVATION_BYTES * (4 * hidden + (2 * queries + 3 * middle) / ranks);
}

/** A token is written once for each of its experts and read there; what they answer is written and summed up. */
const EXPERT_PASSES = 4;

/** Norms of the whole width on each rank, activation (two in, one out) and rotation of this rank's part. */
function elementBytesOf(hidden: number, { mixer, mlp }: LayerKind, ranks: number): number {
  const heads = 'queryHeads' in mixer ? mixer.queryHeads : 0;
  const width = 'keyDim' in mixer ? mixer.keyDim : 'ropeDim' in mixer ? mixer.ropeDim : 0;
  const sharded = 3 * middleWidth(mlp) + 2 * heads * width;
  const sorted = mlp.kind === 'experts' ? EXPERT_PASSES * mlp.activeExperts * hidden : 0;
  return ACTIVATION_BYTES * (NORM_PASSES * hidden + sorted + sharded / ranks);
}

/**
 * Small kernels of a layer beside its matrices and attention, as vLLM's compiled graph runs them: two norms, a rotation,
 * an activation. Eight bits of weights: what goes into the mixer's and the perceptron's last matrix is quantised, the
 * rest with the norms. Eight bits of KV under FlashAttention-3: queries are quantised too. Experts: choice of the top k, three launches that sort tokens by expert, a clearing and a sum.
 */
function kernelsOf({ mixer, mlp }: LayerKind, options: ShardOptions): number {
  const { weights, kvFormat, attention, fusedQuantising } = options;
  const queries = kvFormat === 'fp8' && attention === 'fa3' && 'queryHeads' in mixer ? 1 : 0;
  const eight = weights === 'fp8' || weights === 'int8';
  const quantised = eight && fusedQuantising !== true ? 1 : 0;
  const mixing = mixer.kind === 'none' ? 0 : 2 + quantised + queries;
  const thinking = mlp.kind === 'none' ? 0 : 2 + quantised;
  return mixing + thinking + (mlp.kind === 'experts' ? 6 : 0);
}

/**
 * Matrix products of a layer: what makes queries, keys and values in one, and the output; latents are narrowed and widened
 * first, and decode multiplies with the widening ones in between. A perceptron's gate and up are one product; experts have
 * a router and two grouped products, and two more where some are shared.
 */
function productsOf({ mixer, mlp }: LayerKind): number {
  const mixing = mixer.kind === 'none' ? 0 : mixer.kind === 'latent' ? 5 : 2;
  if (mlp.kind === 'none') return mixing;
  if (mlp.kind !== 'experts') return mixing + 2;
  return mixing + (mlp.sharedIntermediate > 0 ? 5 : 3);
}

function ownKv(mixer: Mixer): Mixer {
  return 'sharesKv' in mixer ? { ...mixer, sharesKv: false } : mixer;
}

export function layerShard(
  model: Pick<Architecture, 'hidden' | 'qkNorm'>,
  kind: LayerKind,
  options: ShardOptions,
): LayerShard {
  const { weights, kvFormat, ranks, attention } = options;
  const params = layerParams(model, kind);
  return {
    layers: kind.layers,
    denseFlops: (2 * params.dense) / ranks,
    denseBytes: (params.dense * bytesPerDenseWeight(weights)) / ranks,
    activationBytes: activationBytesOf(model.hidden, kind, ranks),
    expertFlops: (2 * params.expert * params.activeExperts) / ranks,
    activeExperts: params.activeExperts,
    expertBytes: (params.expert * bytesPerWeight(weights) * paddingOf(kind.mlp, options)) / ranks,
    routerFlops: 2 * params.router,
    routerBytes: 2 * params.router,
    distinctExperts: distinctTable(params, options.expertParallel === true ? ranks : 1),
    ...attentionOf(kind.mixer, ranks, attention),
    // Shared K and V are read by each layer that uses them.
    kvBytes: mixerBytesPerToken(ownKv(kind.mixer), kvFormat, ranks),
    stateBytes: mixerStateBytes(kind.mixer, ranks),
    elementBytes: elementBytesOf(model.hidden, kind, ranks),
    kernels: kernelsOf(kind, options),
    products: productsOf(kind),
    allReduces: ranks === 1 ? 0 : (kind.mixer.kind === 'none' ? 0 : 1) + (kind.mlp.kind === 'none' ? 0 : 1),
  };
}
