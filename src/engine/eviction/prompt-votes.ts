/**
 * What a prompt's own queries say of its tokens, chunk by chunk behind each prefill: H2O sums over all of them, SnapKV
 * lets the last ones vote and pools the votes over neighbours.
 */
import { SNAPKV_KERNEL, snapKvWindow } from '../../core/eviction/snapkv.ts';
import type { EvictionPolicy } from '../../core/eviction/policy.ts';
import type { Gpu } from '../../gpu/context.ts';
import {
  createVotePooling,
  createWindowVotes,
  type VotePooling,
  type WindowVotes,
} from '../../gpu/kernels/evict-window.ts';
import type { EvictionShape, Operation } from './shape.ts';

/** One prefill chunk of one sequence, as its launches were bound. */
export interface VotingChunk {
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  readonly blockTable: GPUBuffer;
  readonly queryStarts: GPUBuffer;
  readonly contextLengths: GPUBuffer;
  readonly batch: number;
  readonly totalTokens: number;
  readonly longest: number;
  readonly tableStride: number;
  /** Position of the chunk's first token, tokens of the chunk, and of the whole prompt. */
  readonly first: number;
  readonly tokens: number;
  readonly promptTokens: number;
}

export class PromptVotes {
  readonly #votes: WindowVotes;
  readonly #pooling: VotePooling | null;
  readonly #shape: EvictionShape;

  constructor(votes: WindowVotes, pooling: VotePooling | null, shape: EvictionShape) {
    this.#votes = votes;
    this.#pooling = pooling;
    this.#shape = shape;
  }

  /** Multiply-adds that a chunk's votes take; 0 where none of its queries votes. */
  macs(chunk: VotingChunk): number {
    const { queryHeads, headDim } = this.#shape;
    return 2 * this.#voters(chunk) * chunk.longest * queryHeads * headDim;
  }

  /** Adds the chunk's votes to `scores`, f32 [batch][kvHeads][stride]. */
  vote(chunk: VotingChunk, scores: GPUBuffer, maxDispatchMacs: number): Operation[] {
    const windowQueries = this.#voters(chunk);
    if (windowQueries === 0) return [];
    const { first, promptTokens, longest, query, pool, blockTable, queryStarts, contextLengths } = chunk;
    const { batch, totalTokens, tableStride } = chunk;
    const args = {
      ...{ query, pool, blockTable, queryStarts, contextLengths, batch, totalTokens, tableStride },
      votes: scores,
      maxContextTokens: longest,
      scoreStride: this.#shape.scoreStride,
      windowQueries,
      weight: this.#pooling ? ('group-mean' as const) : ('group-sum' as const),
      // The first chunk that votes starts from nothing.
      accumulate: first > this.#firstVoter(promptTokens),
      maxDispatchMacs,
    };
    return [{ work: this.macs(chunk), encode: (pass) => this.#votes.encode(pass, args) }];
  }

  /** Pools votes into `pooled`; nothing for sums. */
  pool(
    rows: { readonly contextLengths: GPUBuffer; readonly batch: number; readonly longest: number },
    votes: GPUBuffer,
    pooled: GPUBuffer,
  ): Operation[] {
    const pooling = this.#pooling;
    if (!pooling) return [];
    const { kvHeads } = this.#shape;
    const args = {
      ...{ votes, pooled, contextLengths: rows.contextLengths },
      rows: rows.batch * kvHeads,
      rowsPerLength: kvHeads,
      scoreStride: this.#shape.scoreStride,
      maxContextTokens: rows.longest,
      windowTokens: snapKvWindow(this.#shape.budgetTokens),
      kernel: SNAPKV_KERNEL,
    };
    return [{ work: 0, encode: (pass) => pooling.encode(pass, args) }];
  }

  destroy(): void {
    this.#votes.destroy();
  }

  /** Queries of the chunk that vote: its part of the window, or all of it. */
  #voters({ first, tokens, promptTokens }: VotingChunk): number {
    return Math.max(0, first + tokens - Math.max(first, this.#firstVoter(promptTokens)));
  }

  #firstVoter(promptTokens: number): number {
    if (!this.#pooling) return 0;
    return Math.max(0, promptTokens - snapKvWindow(this.#shape.budgetTokens));
  }
}

/** null for policies that don't ask the prompt. */
export async function createPromptVotes(
  gpu: Gpu,
  shape: EvictionShape,
  policy: EvictionPolicy,
): Promise<PromptVotes | null> {
  const pools = policy.signal === 'window-votes';
  if (!pools && policy.signal !== 'attention-sum') return null;
  const { queryHeads, kvHeads, headDim, blockSize, format, maxBatch, chunkTokens } = shape;
  const maxWindowQueries = pools ? snapKvWindow(shape.budgetTokens) : chunkTokens;
  const [votes, pooling] = await Promise.all([
    createWindowVotes(gpu, {
      ...{ queryHeads, kvHeads, headDim, blockSize, format, maxBatch },
      maxContextTokens: shape.scoreStride,
      maxWindowQueries: Math.max(1, Math.min(maxWindowQueries, chunkTokens)),
    }),
    pools ? createVotePooling(gpu, 'avg') : null,
  ]);
  return new PromptVotes(votes, pooling, shape);
}
