/**
 * What an evictor is made of: the kernels that its policy asks for and the buffers between them. What is done with them,
 * and when, is evictor.ts.
 */
import { POLICIES } from '../core/eviction/policies.ts';
import type { EvictionPolicy } from '../core/eviction/policy.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { createCompaction, type Compaction } from '../gpu/kernels/compact.ts';
import { createAttentionScores, type AttentionScores } from '../gpu/kernels/evict-attention.ts';
import {
  createNormScores,
  createPageMeans,
  type NormScores,
  type PageMeans,
} from '../gpu/kernels/evict-norms.ts';
import { createTopK, type TopK } from '../gpu/kernels/topk.ts';
import { CONTEXT_STEP, type MemoryPlan } from './memory-plan.ts';
import { createPromptVotes, type PromptVotes } from './prompt-votes.ts';

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
export function ranksByAttention({ engine }: Scenario): boolean {
  const { signal } = POLICIES[engine.eviction.policy];
  return signal === 'attention-sum' || signal === 'last-attention';
}

/** Places of one row of scores. */
export function scoreStride(plan: MemoryPlan): number {
  return Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP;
}

export async function createEvictorKernels(
  gpu: Gpu,
  scenario: Scenario,
  plan: MemoryPlan,
  policy: EvictionPolicy,
): Promise<EvictorKernels> {
  const { engine, model } = scenario;
  const { kvHeads, headDim } = model;
  const { blockSize, kvFormat: format, residualTokens } = engine;
  const shape = { kvHeads, headDim, blockSize, format, ...(format === 'int2' && { residualTokens }) };
  const compacts = policy.unit === 'token';
  const byNorm = policy.signal === 'key-norm' || policy.signal === 'value-key-ratio';
  const [attention, norms, pages, topk, compact, votes] = await Promise.all([
    ranksByAttention(scenario) ? createAttentionScores(gpu) : null,
    byNorm ? createNormScores(gpu, { ...shape, score: policy.signal }) : null,
    policy.signal !== 'none' && !compacts ? createPageMeans(gpu) : null,
    compacts ? createTopK(gpu, { moves: true }) : null,
    compacts ? createCompaction(gpu, shape) : null,
    createPromptVotes(gpu, scenario, plan, policy, scoreStride(plan)),
  ]);
  return { attention, norms, pages, topk, compact, votes };
}

/** What the buffers' sizes follow from. */
export interface EvictorShape {
  readonly layers: number;
  readonly queryHeads: number;
  readonly batch: number;
  /** Places of one row of scores, and of page scores. */
  readonly stride: number;
  readonly pageStride: number;
  /** Rows of scores of one sequence. */
  readonly scoreHeads: number;
  readonly budget: number;
}

export function allocateEvictorBuffers(
  gpu: Gpu,
  policy: EvictionPolicy,
  { attention, pages, topk, votes }: EvictorKernels,
  { layers, queryHeads, batch, stride, pageStride, scoreHeads, budget }: EvictorShape,
): EvictorBuffers {
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
    pageScores: several('pageScores', pages ? layers : 0, batch * pageStride),
    pooled: policy.signal === 'window-votes' ? buffer('pooled', rows * stride) : null,
    kept: topk ? buffer('kept', rows * budget) : null,
    counts: topk ? buffer('counts', rows * 2) : null,
    moves: topk ? buffer('moves', rows * budget * 2) : null,
  };
}

/** Every buffer of them. */
export function evictorBufferList(buffers: EvictorBuffers): GPUBuffer[] {
  const { probabilities, pooled, scores, pageScores, kept, counts, moves } = buffers;
  const single = [probabilities, pooled, kept, counts, moves].filter((buffer) => buffer !== null);
  return [...single, ...scores, ...pageScores];
}
