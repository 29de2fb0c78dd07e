/**
 * What an evictor is made of: the kernels that its policy asks for and the buffers between them. What is done with them,
 * and when, is evictor.ts.
 */
import { POLICIES } from '../../core/eviction/policies.ts';
import type { EvictionPolicyName } from '../../core/scenario/schema.ts';
import type { EvictionPolicy } from '../../core/eviction/policy.ts';
import type { Gpu } from '../../gpu/context.ts';
import { createCompaction, type Compaction } from '../../gpu/kernels/compact.ts';
import { createAttentionScores, type AttentionScores } from '../../gpu/kernels/evict-attention.ts';
import {
  createNormScores,
  createPageMeans,
  type NormScores,
  type PageMeans,
} from '../../gpu/kernels/evict-norms.ts';
import { createTopK, type TopK } from '../../gpu/kernels/topk.ts';
import { createPromptVotes, type PromptVotes } from './prompt-votes.ts';
import type { EvictionShape } from './shape.ts';

export interface EvictorKernels {
  readonly attention: AttentionScores | null;
  readonly norms: NormScores | null;
  readonly pages: PageMeans | null;
  readonly topk: TopK | null;
  readonly compact: Compaction | null;
  readonly votes: PromptVotes | null;
}

export interface EvictorBuffers {
  /** f32 [batch][queryHeads][context]: what decode emits. */
  readonly probabilities: GPUBuffer | null;
  /** f32 [batch][scoreHeads][context]: one a layer where sums live on, else one for all. */
  readonly scores: readonly GPUBuffer[];
  /** f32 [layers][batch][pages] */
  readonly pageScores: readonly GPUBuffer[];
  /** f32 [batch][kvHeads][context]: pooled votes. */
  readonly pooled: GPUBuffer | null;
  readonly kept: GPUBuffer | null;
  readonly counts: GPUBuffer | null;
  readonly moves: GPUBuffer | null;
}

/** True where decode has to write its probabilities. */
export function ranksByAttention(policy: EvictionPolicyName): boolean {
  const { signal } = POLICIES[policy];
  return signal === 'attention-sum' || signal === 'last-attention';
}

export async function createEvictorKernels(
  gpu: Gpu,
  wanted: EvictionShape,
  policy: EvictionPolicy,
): Promise<EvictorKernels> {
  const { kvHeads, headDim, blockSize, format, residualTokens } = wanted;
  const shape = { kvHeads, headDim, blockSize, format, ...(format === 'int2' && { residualTokens }) };
  const compacts = policy.unit === 'token';
  const byNorm = policy.signal === 'key-norm' || policy.signal === 'value-key-ratio';
  const [attention, norms, pages, topk, compact, votes] = await Promise.all([
    policy.signal === 'attention-sum' || policy.signal === 'last-attention'
      ? createAttentionScores(gpu)
      : null,
    byNorm ? createNormScores(gpu, { ...shape, score: policy.signal }) : null,
    policy.signal !== 'none' && !compacts ? createPageMeans(gpu) : null,
    compacts ? createTopK(gpu, { moves: true }) : null,
    compacts ? createCompaction(gpu, shape) : null,
    createPromptVotes(gpu, wanted, policy),
  ]);
  return { attention, norms, pages, topk, compact, votes };
}

/** Entries of a row of `kept`: a budget, and what a sequence keeps beyond it so that whole blocks leave. */
export function keptStride({ budgetTokens, blockSize }: EvictionShape): number {
  return budgetTokens + blockSize;
}

/** Places of one row of block scores. */
export function pageStride({ scoreStride, blockSize }: EvictionShape): number {
  return Math.ceil(scoreStride / blockSize);
}

/** @param scoreHeads rows of scores of one sequence */
export function allocateEvictorBuffers(
  gpu: Gpu,
  policy: EvictionPolicy,
  { attention, pages, topk, votes }: EvictorKernels,
  shape: EvictionShape,
  scoreHeads: number,
): EvictorBuffers {
  const { layers, queryHeads, maxBatch: batch, scoreStride: stride } = shape;
  const kept = keptStride(shape);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = (name: string, words: number) => gpu.buffers.create(`Evictor.${name}`, words * 4, usage);
  const several = (name: string, count: number, words: number) =>
    Array.from({ length: count }, () => buffer(name, words));
  const rows = batch * scoreHeads;
  const ranks = policy.signal !== 'none';
  // Votes and sums of a layer live on until it is cut; other scores are made just before.
  const lives = votes !== null;
  return {
    probabilities: attention ? buffer('probabilities', batch * queryHeads * stride) : null,
    scores: several('scores', lives ? layers : ranks ? 1 : 0, rows * stride),
    pageScores: several('pageScores', pages ? layers : 0, batch * pageStride(shape)),
    pooled: policy.signal === 'window-votes' ? buffer('pooled', rows * stride) : null,
    kept: topk ? buffer('kept', rows * kept) : null,
    counts: topk ? buffer('counts', rows * 2) : null,
    moves: topk ? buffer('moves', rows * kept * 2) : null,
  };
}

/** Every buffer of them. */
export function evictorBufferList(buffers: EvictorBuffers): GPUBuffer[] {
  const { probabilities, pooled, scores, pageScores, kept, counts, moves } = buffers;
  const single = [probabilities, pooled, kept, counts, moves].filter((buffer) => buffer !== null);
  return [...single, ...scores, ...pageScores];
}
