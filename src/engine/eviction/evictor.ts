/**
 * Eviction inside sequences: which kernels run beside decode so that a sequence can be judged, and what is done when it
 * exceeds its budget. The policy (src/core/eviction) says what is ranked, by whom and when; here are its kernels.
 *
 * All layers share one block table, so tokens that leave are compacted inside each layer's pool, each layer (and each
 * kv head, where the policy has it so) by its own choice, and the table only becomes shorter. Policies that drop whole
 * blocks edit the table; where they rank blocks, the ranks are averaged over layers, because the table is shared.
 */
import { POLICIES } from '../../core/eviction/policies.ts';
import type { EvictionPolicy } from '../../core/eviction/policy.ts';
import type { Gpu } from '../../gpu/context.ts';
import { ALL_FRESH } from '../../gpu/kernels/evict-attention.ts';
import {
  allocateEvictorBuffers,
  createEvictorKernels,
  evictorBufferList,
  keptStride,
  pageStride,
  type EvictorBuffers,
  type EvictorKernels,
} from './evictor-parts.ts';
import type { VotingChunk } from './prompt-votes.ts';
import type { EvictionShape, Operation } from './shape.ts';

/** What the launches of an eviction read, one row a request. */
export interface EvictionRows {
  readonly blockTable: GPUBuffer;
  /** 0 for requests that are not judged. */
  readonly contextLengths: GPUBuffer;
  readonly residualSlots: GPUBuffer;
  readonly batch: number;
  readonly tableStride: number;
  readonly longest: number;
  /** Tokens that each of them keeps; left out: the policy's budget. */
  readonly keepTokens?: number;
}

export interface EvictedLayer {
  readonly index: number;
  readonly pool: GPUBuffer;
  readonly ring: GPUBuffer | undefined;
}

/** null for policies that drop nothing. @throws GpuOutOfMemoryError */
export async function createEvictor(gpu: Gpu, shape: EvictionShape): Promise<Evictor | null> {
  const policy = POLICIES[shape.policy];
  // Quest evicts nothing: see page-reader.ts.
  if (policy.name === 'none' || !policy.frees) return null;
  return new Evictor(gpu, shape, policy, await createEvictorKernels(gpu, shape, policy));
}

export class Evictor {
  readonly policy: EvictionPolicy;
  readonly bytes: number;
  readonly #gpu: Gpu;
  readonly #shape: EvictionShape;
  readonly #kernels: EvictorKernels;
  readonly #buffers: EvictorBuffers;
  /** Rows of scores of one sequence. */
  readonly #scoreHeads: number;

  constructor(gpu: Gpu, shape: EvictionShape, policy: EvictionPolicy, kernels: EvictorKernels) {
    this.#gpu = gpu;
    this.#shape = shape;
    this.policy = policy;
    this.#kernels = kernels;
    this.#scoreHeads = kernels.norms !== null || policy.scope === 'head' ? shape.kvHeads : 1;
    this.#buffers = allocateEvictorBuffers(gpu, policy, kernels, shape, this.#scoreHeads);
    this.bytes = evictorBufferList(this.#buffers).reduce((sum, { size }) => sum + size, 0);
  }

  /** True where the queries of prompts vote. */
  get votes(): boolean {
    return this.#kernels.votes !== null;
  }

  /** True where decode must emit its probabilities. */
  get emitsScores(): boolean {
    return this.#kernels.attention !== null;
  }

  /** What decode may see of an edited table: the sinks and the newest, without the rest of the blocks at the edges. */
  get window(): { windowTokens: number; sinkTokens: number } | null {
    if (this.policy.signal !== 'none') return null;
    const { first, last } = this.policy.protectedTokens(this.#shape.budgetTokens, this.#shape.blockSize);
    return { windowTokens: last, sinkTokens: first };
  }

  /** Whether a sequence of so many tokens is to be cut now: behind its prompt, or when that frees a block. */
  isDue(tokens: number, behindPrompt: boolean): boolean {
    const { budgetTokens, blockSize } = this.#shape;
    if (behindPrompt) return tokens > budgetTokens;
    return this.policy.when === 'decode' && tokens >= budgetTokens + blockSize;
  }

  /** Where the decode of this step writes its probabilities, if it has to. */
  probabilitiesFor(scoringNow: boolean): GPUBuffer | null {
    // A sum needs every step; the newest query's attention only when something is about to be cut.
    return this.policy.signal === 'attention-sum' || scoringNow ? this.#buffers.probabilities : null;
  }

  /** True where the last query of a prompt must look at it once more, because nothing else has. */
  get asksLastQuery(): boolean {
    return this.policy.signal === 'last-attention';
  }

  /** Behind the prefill chunk of one layer: what its queries say of the tokens. */
  vote(layer: number, chunk: VotingChunk, maxDispatchMacs: number): Operation[] {
    const scores = this.#scoresOf(layer);
    return scores ? (this.#kernels.votes?.vote(chunk, scores, maxDispatchMacs) ?? []) : [];
  }

  /** Behind the decode of one layer: from probabilities to scores. */
  score(layer: number, rows: EvictionRows, probabilityStride: number, first: boolean): Operation[] {
    const { attention } = this.#kernels;
    const { probabilities } = this.#buffers;
    const scores = this.#scoresOf(layer);
    if (!attention || !probabilities || !scores) return [];
    const sums = this.policy.signal === 'attention-sum';
    const args = {
      probabilities,
      contextLengths: rows.contextLengths,
      scores,
      batch: rows.batch,
      queryHeads: this.#shape.queryHeads,
      scoreHeads: this.#scoreHeads,
      maxContextTokens: rows.longest,
      probabilityStride,
      scoreStride: this.#shape.scoreStride,
      mode: sums ? ('sum' as const) : ('newest' as const),
      ...(first && { freshTokens: ALL_FRESH }),
    };
    return [{ work: 0, encode: (pass) => attention.encode(pass, args) }];
  }

  /** Ranks and compacts (or only ranks) one layer. */
  layer({ index, pool, ring }: EvictedLayer, rows: EvictionRows): Operation[] {
    const operations: Operation[] = [];
    const { norms, pages } = this.#kernels;
    const scores = this.#scoresOf(index);
    if (!scores) return [];
    const { blockTable, contextLengths, residualSlots, batch, tableStride, longest } = rows;
    if (norms) {
      const args = {
        ...{ pool, blockTable, contextLengths, scores, batch, tableStride },
        ...(ring && { residual: ring, residualSlots }),
        maxContextTokens: longest,
        scoreStride: this.#shape.scoreStride,
      };
      operations.push({ work: 0, encode: (pass) => norms.encode(pass, args) });
    }
    const pageScores = this.#buffers.pageScores[index];
    if (pages && pageScores) {
      const args = {
        ...{ contextLengths, batch, pageScores },
        tokenScores: scores,
        tokenHeads: this.#scoreHeads,
        pageHeads: 1,
        tokenStride: this.#shape.scoreStride,
        pageStride: pageStride(this.#shape),
        blockSize: this.#shape.blockSize,
        maxContextTokens: longest,
      };
      operations.push({ work: 0, encode: (pass) => pages.encode(pass, args) });
    }
    const { pooled } = this.#buffers;
    if (pooled) operations.push(...(this.#kernels.votes?.pool(rows, scores, pooled) ?? []));
    return [...operations, ...this.#compact(pool, pooled ?? scores, rows)];
  }

  destroy(): void {
    this.#kernels.votes?.destroy();
    this.#gpu.buffers.destroy(...evictorBufferList(this.#buffers));
  }

  /** After the operations are done: for a row the mean score of each block over layers, where the policy ranks blocks. */
  async blockScores(): Promise<(row: number) => Float64Array> {
    const { pageScores } = this.#buffers;
    const read = await Promise.all(pageScores.map((buffer) => this.#gpu.buffers.read(buffer)));
    const layers = read.map((bytes) => new Float32Array(bytes));
    return (row) =>
      Float64Array.from({ length: pageStride(this.#shape) }, (_, page) => {
        const at = row * pageStride(this.#shape) + page;
        return layers.reduce((sum, scores) => sum + (scores[at] ?? 0), 0) / layers.length;
      });
  }

  #compact(pool: GPUBuffer, scores: GPUBuffer, rows: EvictionRows): Operation[] {
    const { topk, compact } = this.#kernels;
    const { kept, counts, moves } = this.#buffers;
    if (!topk || !compact || !kept || !counts || !moves) return [];
    const { blockTable, contextLengths, batch, tableStride, longest } = rows;
    const heads = this.#scoreHeads;
    const { keepTokens: budget = this.#shape.budgetTokens } = rows;
    const stride = keptStride(this.#shape);
    const protect = this.policy.protectedTokens(budget, this.#shape.blockSize);
    const ranking = {
      ...{ scores, kept, counts, moves, budget, protect },
      lengths: contextLengths,
      rows: batch * heads,
      scoreStride: this.#shape.scoreStride,
      keptStride: stride,
      rowsPerLength: heads,
    };
    const moving = {
      ...{ pool, blockTable, moves, counts, batch, tableStride },
      moveHeads: heads,
      moveStride: stride,
      maxMoves: Math.max(1, Math.min(budget, longest - budget)),
      ...(this.policy.signal === 'attention-sum' && { scores, scoreStride: this.#shape.scoreStride }),
    };
    return [
      { work: 0, encode: (pass) => topk.encode(pass, ranking) },
      { work: 0, encode: (pass) => compact.encode(pass, moving) },
    ];
  }

  #scoresOf(layer: number): GPUBuffer | undefined {
    const { scores } = this.#buffers;
    return scores[layer] ?? scores[0];
  }
}
