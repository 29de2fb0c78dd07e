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
  if (gpu.isFallback || gpu.features.subgroupMinSize < 8) return softwareTuning(tier);
  return gpuTuning(gpu, shape, gpuLanes(gpu, shape));
}

/** A handful of tunings worth timing on this device, the default first. */
export function candidates(gpu: Gpu, tier: DecodeTier, shape: DecodeShape): DecodeTuning[] {
  const first = defaultTuning(gpu, tier, shape);
  if (tier === 'no-subgroups' || gpu.features.subgroupMinSize < 8) return [first];
  const lanes = [first.lanes / 2, first.lanes * 2].filter((n) => n >= 4 && n <= gpu.features.subgroupMinSize);
  const others = lanes.map((n) => gpuTuning(gpu, shape, n));
  return [first, { ...first, tokens: 1 }, { ...first, workgroup: first.workgroup * 2 }, ...others];
}

/** Measured on SwiftShader: one subgroup a workgroup, consecutive words, one token at a time. */
function softwareTuning(tier: DecodeTier): DecodeTuning {
  const common = {
    lanes: 4,
    workgroup: 4,
    loadWords: 1,
    targetWorkgroups: 64,
    minTokensPerSplit: 128,
    hoist: tier === 'no-subgroups',
  };
  return { ...common, tokens: tier === 'subgroups' ? 1 : 16 };
}

/** Registers of queries and sums a lane holds are 2·group·headDim/lanes; 64 leave room for loads in flight. */
function gpuLanes(gpu: Gpu, { queryHeads, kvHeads, headDim }: DecodeShape): number {
  const wanted = (2 * (queryHeads / kvHeads) * headDim) / 64;
  let lanes = 4;
  while (lanes < wanted && lanes * 2 <= gpu.features.subgroupMinSize) lanes *= 2;
  return lanes;
}

function gpuTuning(gpu: Gpu, shape: DecodeShape, lanes: number): DecodeTuning {
  const layout = kvLayout(shape.format, shape);
  const widest = widestLoad(layout);
  let loadWords = widest;
  while (loadWords > 1 && layout.v.rowWords / loadWords < lanes) loadWords /= 2;
  const workgroup = Math.max(32, gpu.features.subgroupMinSize);
  const teams = workgroup / lanes;
  const tokens = 2;
  const segment = shape.format === 'int2' ? tokenGroup(shape.blockSize) : shape.blockSize;
  return {
    lanes,
    loadWords,
    tokens,
    workgroup,
    hoist: shape.format === 'int2' || teams * tokens <= segment,
    targetWorkgroups: 1024,
    minTokensPerSplit: 128,
  };
}
