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
  /** Every lane owns some of an iteration's scores (decode_scatter.wgsl); see `canScatter`. */
  readonly scatter: boolean;
  /** Load a token's values before its scores are known (subgroup tier). */
  readonly prefetchValues: boolean;
  /** One block-table lookup a block instead of one a token. */
  readonly hoist: boolean;
  /** Workgroups to aim at; long contexts are split until there are as many. */
  readonly targetWorkgroups: number;
  readonly minTokensPerSplit: number;
  /** A launch with more work becomes several dispatches, so that none blocks the GPU for 100 ms. */
  readonly maxDispatchFlops: number;
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

type SplitShape = Pick<DecodeShape, 'queryHeads' | 'kvHeads' | 'headDim' | 'blockSize'>;

/** Multiplications and additions of one sequence's attention, queries with keys and weights with values. */
function sequenceFlops({ queryHeads, headDim }: SplitShape, tokens: number): number {
  return 4 * queryHeads * headDim * tokens;
}

/**
 * Splits the longest sequence so that there are about `targetWorkgroups`, and so that one split fits into a dispatch;
 * shorter sequences use fewer splits.
 */
export function planSplits(
  tuning: DecodeTuning,
  shape: SplitShape,
  batch: number,
  visibleTokens: number,
): SplitPlan {
  const tokens = Math.max(1, visibleTokens);
  const wanted = Math.max(tuning.minTokensPerSplit, Math.ceil(tokens / wantedSplits(tuning, shape, batch)));
  const needed = neededSplits(tuning, shape, tokens);
  const most = needed > 1 ? Math.min(wanted, Math.ceil(tokens / needed)) : wanted;
  const tokensPerSplit = Math.ceil(most / shape.blockSize) * shape.blockSize;
  return { splits: Math.ceil(tokens / tokensPerSplit), tokensPerSplit };
}

function wantedSplits(tuning: DecodeTuning, { kvHeads }: SplitShape, batch: number): number {
  return Math.min(MAX_SPLITS, Math.ceil(tuning.targetWorkgroups / (batch * kvHeads)));
}

function neededSplits(tuning: DecodeTuning, shape: SplitShape, tokens: number): number {
  return Math.min(MAX_SPLITS, Math.ceil(sequenceFlops(shape, tokens) / tuning.maxDispatchFlops));
}

/** Upper bound of batch · splits over every batch up to `maxBatch`: ceil(a / b) · b < a + b. */
export function maxSplitRows(
  tuning: DecodeTuning,
  shape: SplitShape & { readonly maxBatch: number; readonly maxContextTokens: number },
): number {
  const { maxBatch, maxContextTokens, kvHeads } = shape;
  const wanted = Math.min(maxBatch * MAX_SPLITS, Math.ceil(tuning.targetWorkgroups / kvHeads) + maxBatch);
  return Math.max(wanted, maxBatch * neededSplits(tuning, shape, maxContextTokens));
}

/** One dispatch of a launch: some splits of some sequences. */
export interface DispatchPart {
  readonly firstSequence: number;
  readonly sequences: number;
  readonly firstSplit: number;
  readonly splits: number;
}

/** The dispatches of a launch, each within `maxDispatchFlops` where one split is. */
export function planDispatches(
  tuning: DecodeTuning,
  shape: SplitShape,
  batch: number,
  visibleTokens: number,
): DispatchPart[] {
  const { splits, tokensPerSplit } = planSplits(tuning, shape, batch, visibleTokens);
  const splitFlops = sequenceFlops(shape, Math.min(tokensPerSplit, Math.max(1, visibleTokens)));
  const most = Math.max(1, Math.floor(tuning.maxDispatchFlops / splitFlops));
  const sequences = Math.max(1, Math.floor(most / splits));
  const splitStep = Math.min(splits, most);
  const parts: DispatchPart[] = [];
  for (let firstSequence = 0; firstSequence < batch; firstSequence += sequences) {
    for (let firstSplit = 0; firstSplit < splits; firstSplit += splitStep) {
      parts.push({
        firstSequence,
        sequences: Math.min(sequences, batch - firstSequence),
        firstSplit,
        splits: Math.min(splitStep, splits - firstSplit),
      });
    }
  }
  return parts;
}

/** Scores of an iteration must be a power of two that gives every lane one, and a token's no more than the team. */
export function canScatter({ lanes, tokens }: DecodeTuning, group: number): boolean {
  const sums = tokens * group;
  return (
    Number.isInteger(Math.log2(sums)) &&
    sums >= lanes &&
    tokens <= lanes &&
    Number.isInteger(Math.log2(tokens))
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
  if (tier === 'no-subgroups') return list;
  const scattered = [first, { ...first, tokens: first.tokens * 2 }]
    .filter((tuning) => canScatter(tuning, shape.queryHeads / shape.kvHeads))
    .map((tuning) => ({ ...tuning, scatter: true }));
  return [...list, ...scattered, { ...first, prefetchValues: false, tokens: 1 }];
}

/**
 * Measured on SwiftShader: one subgroup a workgroup, consecutive words, and in the subgroup tier one token at a time.
 * Loads of a whole row by one lane or strided by vec4 leave its fast path of consecutive words.
 */
function softwareTuning(tier: DecodeTier): DecodeTuning {
  const common = { lanes: 4, workgroup: 4, loadWords: 1, prefetchValues: false, scatter: false };
  // SwiftShader does 2 to 3 GFLOP/s here on two cores, so a dispatch ends after about 40 ms.
  const splits = { targetWorkgroups: 64, minTokensPerSplit: 256, maxDispatchFlops: 1e8 };
  return tier === 'subgroups'
    ? { ...common, ...splits, tokens: 1, hoist: false }
    : { ...common, ...splits, tokens: 16, hoist: true };
}

/** Queries and sums that one lane keeps in registers: 2·group·headDim/lanes; 128 leave room for loads in flight. */
const LANE_REGISTERS = 128;
const MOST_SHARED_LANES = 32;
/** 100 ms of a small integrated GPU that does 200 GFLOP/s in this kernel. */
const GPU_DISPATCH_FLOPS = 2e10;

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
      scatter: false,
      hoist: false,
      targetWorkgroups: 2048,
      minTokensPerSplit: 64,
      maxDispatchFlops: GPU_DISPATCH_FLOPS,
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
      scatter: false,
      hoist: false,
      targetWorkgroups: 1024,
      minTokensPerSplit: 64,
      maxDispatchFlops: GPU_DISPATCH_FLOPS,
    },
    shape,
    lanesFor(shape, MOST_SHARED_LANES),
  );
  return { ...tuning, hoist: shape.format === 'int2' };
}
