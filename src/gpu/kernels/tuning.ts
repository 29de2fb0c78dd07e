/**
 * What can be tuned in decode attention, the defaults by class of device, and the candidates that an autotune may time.
 *
 * The defaults for software adapters are measured; those for GPUs follow from arithmetic and from published kernels
 * (few shuffles a token, about 64 registers of queries and sums a lane, 16-byte loads), which is why there are
 * candidates to time.
 */
import { channelGroup, kvLayout, tokenGroup, type KvFormat, type KvLayout } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';

export type DecodeTier = 'subgroups' | 'no-subgroups';

export interface DecodeTuning {
  /** Lanes that share one token; a power of two, at most subgroupMinSize in the subgroup tier. */
  readonly lanes: number;
  /** u32 words a lane loads at once: 1, 2 or 4. */
  readonly loadWords: number;
  /** Tokens a team of lanes takes in one iteration. */
  readonly tokens: number;
  /** Lanes of a workgroup. */
  readonly workgroup: number;
  /** Load a token's values before its scores are known (subgroup tier). */
  readonly prefetchValues: boolean;
  /** One block-table lookup a block instead of one a token. */
  readonly hoist: boolean;
  /** Workgroups to aim at; long contexts are split until there are as many. */
  readonly targetWorkgroups: number;
  readonly minTokensPerSplit: number;
}

/** What a tuning depends on. */
export interface DecodeShape {
  readonly format: KvFormat;
  readonly headDim: number;
  readonly blockSize: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
}

/** Most splits of one sequence: bounds the workspace and the merge. */
export const MAX_SPLITS = 64;

export interface SplitPlan {
  readonly splits: number;
  /** A multiple of the block size. */
  readonly tokensPerSplit: number;
}

/** Splits the longest sequence so that there are about `targetWorkgroups`; shorter sequences use fewer splits. */
export function planSplits(
  tuning: DecodeTuning,
  shape: { readonly kvHeads: number; readonly blockSize: number },
  batch: number,
  visibleTokens: number,
): SplitPlan {
  const tokens = Math.max(1, visibleTokens);
  const wanted = maxSplits(tuning, shape.kvHeads, batch);
  const even = Math.max(tuning.minTokensPerSplit, Math.ceil(tokens / wanted));
  const tokensPerSplit = Math.ceil(even / shape.blockSize) * shape.blockSize;
  return { splits: Math.ceil(tokens / tokensPerSplit), tokensPerSplit };
}

function maxSplits(tuning: DecodeTuning, kvHeads: number, batch: number): number {
  return Math.min(MAX_SPLITS, Math.ceil(tuning.targetWorkgroups / (batch * kvHeads)));
}

/** Upper bound of batch · splits over every batch up to `maxBatch`: ceil(a / b) · b < a + b. */
export function maxSplitRows(
  tuning: DecodeTuning,
  shape: { readonly kvHeads: number; readonly maxBatch: number },
): number {
  return Math.min(
    shape.maxBatch * MAX_SPLITS,
    Math.ceil(tuning.targetWorkgroups / shape.kvHeads) + shape.maxBatch,
  );
}

/** Widest load that keeps rows aligned and one load inside one (scale, min) group. */
export function widestLoad(layout: KvLayout): number {
  const { v, bits, shape, format } = layout;
  const perWord = 32 / bits;
  const grouped = format === 'int4' || format === 'int2';
  const fits = (words: number): boolean =>
    v.rowWords % words === 0 && (!grouped || words * perWord <= channelGroup(shape.headDim));
  return [4, 2].find(fits) ?? 1;
}

/** The tuning used where nothing was timed. */
export function defaultTuning(gpu: Gpu, tier: DecodeTier, shape: DecodeShape): DecodeTuning {
  if (gpu.isFallback) return softwareTuning(tier);
  return tier === 'subgroups' ? subgroupTuning(gpu, shape) : sharedTuning(gpu, shape);
}

/** A handful of tunings worth timing on this device, the default first. */
export function candidates(gpu: Gpu, tier: DecodeTier, shape: DecodeShape): DecodeTuning[] {
  const first = defaultTuning(gpu, tier, shape);
  if (gpu.isFallback) return [first];
  const most = tier === 'subgroups' ? gpu.features.subgroupMinSize : MOST_SHARED_LANES;
  const otherLanes = [first.lanes / 2, first.lanes * 2].filter((lanes) => lanes >= 4 && lanes <= most);
  const list = [
    first,
    ...otherLanes.map((lanes) => withLanes(first, shape, lanes)),
    { ...first, tokens: first.tokens * 2 },
    { ...first, workgroup: first.workgroup * 2 },
    { ...first, targetWorkgroups: first.targetWorkgroups / 4 },
  ];
  return tier === 'subgroups' ? [...list, { ...first, prefetchValues: false, tokens: 1 }] : list;
}

/**
 * Measured on SwiftShader: one subgroup a workgroup, consecutive words, and in the subgroup tier one token at a time.
 * Loads of a whole row by one lane or strided by vec4 leave its fast path of consecutive words.
 */
function softwareTuning(tier: DecodeTier): DecodeTuning {
  const common = { lanes: 4, workgroup: 4, loadWords: 1, prefetchValues: false };
  const splits = { targetWorkgroups: 64, minTokensPerSplit: 256 };
  return tier === 'subgroups'
    ? { ...common, ...splits, tokens: 1, hoist: false }
    : { ...common, ...splits, tokens: 16, hoist: true };
}

/** Queries and sums that one lane keeps in registers: 2·group·headDim/lanes; 128 leave room for loads in flight. */
const LANE_REGISTERS = 128;
const MOST_SHARED_LANES = 32;

/** Few lanes a token: shuffles and exponentials are repeated by every lane of a team. */
function lanesFor({ queryHeads, kvHeads, headDim }: DecodeShape, most: number): number {
  const wanted = (2 * (queryHeads / kvHeads) * headDim) / LANE_REGISTERS;
  let lanes = 4;
  while (lanes < wanted && lanes * 2 <= most) lanes *= 2;
  return lanes;
}

function withLanes(tuning: DecodeTuning, shape: DecodeShape, lanes: number): DecodeTuning {
  const layout = kvLayout(shape.format, shape);
  let loadWords = widestLoad(layout);
  // Narrow rows are shared by all lanes of the team rather than left to a few of them.
  while (loadWords > 1 && layout.v.rowWords / loadWords < lanes) loadWords /= 2;
  return { ...tuning, lanes, loadWords };
}

/** GPUs with subgroups; masked adapters say 4 where the hardware has 32, which is slower but right. */
function subgroupTuning(gpu: Gpu, shape: DecodeShape): DecodeTuning {
  const size = gpu.features.subgroupMinSize;
  const tuning = withLanes(
    {
      lanes: 4,
      loadWords: 1,
      tokens: 2,
      workgroup: Math.max(32, size),
      prefetchValues: true,
      hoist: false,
      targetWorkgroups: 2048,
      minTokensPerSplit: 64,
    },
    shape,
    lanesFor(shape, size),
  );
  const run = shape.format === 'int2' ? tokenGroup(shape.blockSize) : shape.blockSize;
  return { ...tuning, hoist: (tuning.workgroup / tuning.lanes) * tuning.tokens <= run };
}

/** GPUs without subgroups: more tokens between two barriers, a few subgroups' worth of lanes. */
function sharedTuning(gpu: Gpu, shape: DecodeShape): DecodeTuning {
  const tuning = withLanes(
    {
      lanes: 8,
      loadWords: 1,
      tokens: 4,
      workgroup: Math.min(64, gpu.limits.maxComputeInvocationsPerWorkgroup),
      prefetchValues: false,
      hoist: false,
      targetWorkgroups: 1024,
      minTokensPerSplit: 64,
    },
    shape,
    lanesFor(shape, MOST_SHARED_LANES),
  );
  return { ...tuning, hoist: shape.format === 'int2' };
}
