/**
 * Eviction in an experiment: which kernels run beside decode so that a sequence can be judged, and what is done when it
 * exceeds its budget. The policy (src/core/eviction) says what is ranked, by whom and when; here are its kernels.
 *
 * All layers share one block table, so tokens that leave are compacted inside each layer's pool, each layer (and each
 * kv head, where the policy has it so) by its own choice, and the table only becomes shorter. Policies that drop whole
 * blocks edit the table; where they rank blocks, the ranks are averaged over layers, because the table is shared.
 */
import { keepBest } from '../core/eviction/select.ts';
import { budgetBlocks } from '../core/eviction/paged-eviction.ts';
import { POLICIES } from '../core/eviction/policies.ts';
import type { EvictionPolicy } from '../core/eviction/policy.ts';
import { streamingLlmTable } from '../core/eviction/streaming-llm.ts';
import type { BlockTable } from '../core/kv/block-table.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { ALL_FRESH } from '../gpu/kernels/evict-attention.ts';
import { UnsupportedError } from './errors.ts';
import {
  allocateEvictorBuffers,
  createEvictorKernels,
  evictorBufferList,
  scoreStride,
  type EvictorBuffers,
  type EvictorKernels,
} from './evictor-parts.ts';
import { evictionSlack, type MemoryPlan } from './memory-plan.ts';
import type { PacedOperation } from './pacer.ts';
import type { VotingChunk } from './prompt-votes.ts';

/** What the launches of an eviction read, one row a request. */
export interface EvictionRows {
  readonly blockTable: GPUBuffer;
  /** 0 for requests that are not judged. */
  readonly contextLengths: GPUBuffer;
  readonly residualSlots: GPUBuffer;
  readonly batch: number;
  readonly tableStride: number;
  readonly longest: number;
}

export interface EvictedLayer {
  readonly index: number;
  readonly pool: GPUBuffer;
  readonly ring: GPUBuffer | undefined;
}

/** A request to judge: its row and its table. */
export interface Judged {
  readonly row: number;
  readonly table: BlockTable;
}

/** null for the policy `none`. @throws UnsupportedError where the policy can't run with the scenario's other settings */
export async function createEvictor(gpu: Gpu, scenario: Scenario, plan: MemoryPlan): Promise<Evictor | null> {
  const policy = POLICIES[scenario.engine.eviction.policy];
  // Quest evicts nothing: see page-reader.ts.
  if (policy.name === 'none' || !policy.frees) return null;
  refuse(scenario, policy);
  return new Evictor(gpu, scenario, plan, policy, await createEvictorKernels(gpu, scenario, plan, policy));
}

function refuse({ engine, workload }: Scenario, policy: EvictionPolicy): void {
  if (engine.kvFormat === 'int2') {
    throw new UnsupportedError(
      `int2 finds its newest tokens by their position, which ${policy.title} changes; choose int4 or a wider format.`,
    );
  }
  if (workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'Eviction moves tokens that others may share; set workload.sharedPrefixTokens to 0.',
    );
  }
  if (engine.windowTokens > 0) {
    throw new UnsupportedError(
      'A sliding window and an eviction policy both choose what is read; set engine.windowTokens to 0.',
    );
  }
}

export class Evictor {
  readonly policy: EvictionPolicy;
  readonly bytes: number;
  readonly #gpu: Gpu;
  readonly #scenario: Scenario;
  readonly #kernels: EvictorKernels;
  readonly #buffers: EvictorBuffers;
  /** Places of one row of scores. */
  readonly #stride: number;
  readonly #budget: number;
  readonly #scoreHeads: number;

  constructor(
    gpu: Gpu,
    scenario: Scenario,
    plan: MemoryPlan,
    policy: EvictionPolicy,
    kernels: EvictorKernels,
  ) {
    this.#gpu = gpu;
    this.#scenario = scenario;
    this.policy = policy;
    this.#kernels = kernels;
    this.#budget = scenario.engine.eviction.budgetTokens;
    this.#stride = scoreStride(plan);
    this.#scoreHeads = kernels.norms !== null || policy.scope === 'head' ? scenario.model.kvHeads : 1;
    this.#buffers = allocateEvictorBuffers(gpu, policy, kernels, {
      layers: scenario.model.layers,
      queryHeads: scenario.model.queryHeads,
      batch: plan.sequences.length,
      stride: this.#stride,
      pageStride: this.#pageStride,
      scoreHeads: this.#scoreHeads,
      budget: this.#budget,
    });
    this.bytes = evictorBufferList(this.#buffers).reduce((sum, { size }) => sum + size, 0);
  }

  /** True where decode must emit its probabilities. */
  get emitsScores(): boolean {
    return this.#kernels.attention !== null;
  }

  /** What decode may see of an edited table: the sinks and the newest, without the rest of the blocks at the edges. */
  get window(): { windowTokens: number; sinkTokens: number } | null {
    if (this.policy.signal !== 'none') return null;
    const { first, last } = this.policy.protectedTokens(this.#budget, this.#scenario.engine.blockSize);
    return { windowTokens: last, sinkTokens: first };
  }

  /** Whether a sequence of so many tokens is to be cut now. */
  isDue(tokens: number, behindPrompt: boolean): boolean {
    if (behindPrompt) return tokens > this.#budget;
    return this.policy.when === 'decode' && tokens >= this.#budget + evictionSlack(this.#scenario);
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
  vote(layer: number, chunk: VotingChunk, maxDispatchMacs: number): PacedOperation[] {
    const scores = this.#scoresOf(layer);
    return scores ? (this.#kernels.votes?.vote(chunk, scores, maxDispatchMacs) ?? []) : [];
  }

  /** Behind the decode of one layer: from probabilities to scores. */
  score(layer: number, rows: EvictionRows, probabilityStride: number, first: boolean): PacedOperation[] {
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
      queryHeads: this.#scenario.model.queryHeads,
      scoreHeads: this.#scoreHeads,
      maxContextTokens: rows.longest,
      probabilityStride,
      scoreStride: this.#stride,
      mode: sums ? ('sum' as const) : ('newest' as const),
      ...(first && { freshTokens: ALL_FRESH }),
    };
    return [{ work: 0, encode: (pass) => attention.encode(pass, args) }];
  }

  /** Ranks and compacts (or only ranks) one layer. */
  layer({ index, pool, ring }: EvictedLayer, rows: EvictionRows): PacedOperation[] {
    const operations: PacedOperation[] = [];
    const { norms, pages } = this.#kernels;
    const scores = this.#scoresOf(index);
    if (!scores) return [];
    const { blockTable, contextLengths, residualSlots, batch, tableStride, longest } = rows;
    if (norms) {
      const args = {
        ...{ pool, blockTable, contextLengths, scores, batch, tableStride },
        ...(ring && { residual: ring, residualSlots }),
        maxContextTokens: longest,
        scoreStride: this.#stride,
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
        tokenStride: this.#stride,
        pageStride: this.#pageStride,
        blockSize: this.#scenario.engine.blockSize,
        maxContextTokens: longest,
      };
      operations.push({ work: 0, encode: (pass) => pages.encode(pass, args) });
    }
    const { pooled } = this.#buffers;
    if (pooled) operations.push(...(this.#kernels.votes?.pool(rows, scores, pooled) ?? []));
    return [...operations, ...this.#compact(pool, pooled ?? scores, rows)];
  }

  /** After the operations are done: shortens the tables. */
  async edit(judged: readonly Judged[]): Promise<void> {
    if (this.policy.unit === 'token') {
      for (const { table } of judged) table.truncate(Math.min(table.tokens, this.#budget));
    } else if (this.policy.signal === 'none') {
      for (const { table } of judged) this.#editBySinks(table);
    } else {
      const means = await this.#pageMeans();
      for (const { row, table } of judged) this.#editByRank(table, means(row));
    }
  }

  destroy(): void {
    this.#kernels.votes?.destroy();
    this.#gpu.buffers.destroy(...evictorBufferList(this.#buffers));
  }

  #editBySinks(table: BlockTable): void {
    const { blockSize } = table;
    const { first, last } = this.policy.protectedTokens(this.#budget, blockSize);
    table.keepBlocks(streamingLlmTable(table.tokens, first, last, blockSize).keptBlocks);
  }

  #editByRank(table: BlockTable, means: Float64Array): void {
    const pages = table.blocks.length;
    const budget = budgetBlocks(this.#budget, table.blockSize);
    table.keepBlocks(keepBest(means.subarray(0, pages), pages, budget, { first: 1, last: 1 }));
  }

  /** Mean of each block of each row over layers. */
  async #pageMeans(): Promise<(row: number) => Float64Array> {
    const { pageScores } = this.#buffers;
    const read = await Promise.all(pageScores.map((buffer) => this.#gpu.buffers.read(buffer)));
    const layers = read.map((bytes) => new Float32Array(bytes));
    return (row) =>
      Float64Array.from({ length: this.#pageStride }, (_, page) => {
        const at = row * this.#pageStride + page;
        return layers.reduce((sum, scores) => sum + (scores[at] ?? 0), 0) / layers.length;
      });
  }

  #compact(pool: GPUBuffer, scores: GPUBuffer, rows: EvictionRows): PacedOperation[] {
    const { topk, compact } = this.#kernels;
    const { kept, counts, moves } = this.#buffers;
    if (!topk || !compact || !kept || !counts || !moves) return [];
    const { blockTable, contextLengths, batch, tableStride, longest } = rows;
    const heads = this.#scoreHeads;
    const budget = this.#budget;
    const protect = this.policy.protectedTokens(budget, this.#scenario.engine.blockSize);
    const ranking = {
      ...{ scores, kept, counts, moves, budget, protect },
      lengths: contextLengths,
      rows: batch * heads,
      scoreStride: this.#stride,
      keptStride: budget,
      rowsPerLength: heads,
    };
    const moving = {
      ...{ pool, blockTable, moves, counts, batch, tableStride },
      moveHeads: heads,
      moveStride: budget,
      maxMoves: Math.max(1, Math.min(budget, longest - budget)),
      ...(this.policy.signal === 'attention-sum' && { scores, scoreStride: this.#stride }),
    };
    return [
      { work: 0, encode: (pass) => topk.encode(pass, ranking) },
      { work: 0, encode: (pass) => compact.encode(pass, moving) },
    ];
  }

  get #pageStride(): number {
    return Math.ceil(this.#stride / this.#scenario.engine.blockSize);
  }

  #scoresOf(layer: number): GPUBuffer | undefined {
    const { scores } = this.#buffers;
    return scores[layer] ?? scores[0];
  }
}
