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
import { createCompaction, type Compaction } from '../gpu/kernels/compact.ts';
import { ALL_FRESH, createAttentionScores, type AttentionScores } from '../gpu/kernels/evict-attention.ts';
import {
  createNormScores,
  createPageMeans,
  type NormScores,
  type PageMeans,
} from '../gpu/kernels/evict-norms.ts';
import { createTopK, type TopK } from '../gpu/kernels/topk.ts';
import { UnsupportedError } from './errors.ts';
import { CONTEXT_STEP, evictionSlack, type MemoryPlan } from './memory-plan.ts';
import type { PacedOperation } from './pacer.ts';
import { createPromptVotes, type PromptVotes, type VotingChunk } from './prompt-votes.ts';

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

interface Kernels {
  readonly attention: AttentionScores | null;
  readonly norms: NormScores | null;
  readonly pages: PageMeans | null;
  readonly topk: TopK | null;
  readonly compact: Compaction | null;
  readonly votes: PromptVotes | null;
}

interface EvictorBuffers {
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

/** null for the policy `none`. @throws UnsupportedError where the policy can't run with the scenario's other settings */
export async function createEvictor(gpu: Gpu, scenario: Scenario, plan: MemoryPlan): Promise<Evictor | null> {
  const { engine, model, workload } = scenario;
  const policy = POLICIES[engine.eviction.policy];
  // Quest evicts nothing: see page-reader.ts.
  if (policy.name === 'none' || !policy.frees) return null;
  refuse(scenario, policy);
  if (workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'Eviction moves tokens that others may share; set workload.sharedPrefixTokens to 0.',
    );
  }
  const { kvHeads, headDim } = model;
  const { blockSize, kvFormat: format, residualTokens } = engine;
  const shape = { kvHeads, headDim, blockSize, format, ...(format === 'int2' && { residualTokens }) };
  const ranks = policy.signal !== 'none';
  const compacts = policy.unit === 'token';
  const byAttention = ranksByAttention(scenario);
  const byNorm = policy.signal === 'key-norm' || policy.signal === 'value-key-ratio';
  const stride = Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP;
  const [attention, norms, pages, topk, compact, votes] = await Promise.all([
    byAttention ? createAttentionScores(gpu) : null,
    byNorm ? createNormScores(gpu, { ...shape, score: policy.signal }) : null,
    ranks && !compacts ? createPageMeans(gpu) : null,
    compacts ? createTopK(gpu, { moves: true }) : null,
    compacts ? createCompaction(gpu, shape) : null,
    createPromptVotes(gpu, scenario, plan, policy, stride),
  ]);
  return new Evictor(gpu, scenario, plan, policy, { attention, norms, pages, topk, compact, votes });
}

function refuse({ engine }: Scenario, policy: EvictionPolicy): void {
  if (engine.kvFormat === 'int2') {
    throw new UnsupportedError(
      `int2 finds its newest tokens by their position, which ${policy.title} changes; choose int4 or a wider format.`,
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
  readonly #plan: MemoryPlan;
  readonly #kernels: Kernels;
  readonly #buffers: EvictorBuffers;
  /** Places of one row of scores. */
  readonly #stride: number;
  readonly #budget: number;
  readonly #scoreHeads: number;

  constructor(gpu: Gpu, scenario: Scenario, plan: MemoryPlan, policy: EvictionPolicy, kernels: Kernels) {
    this.#gpu = gpu;
    this.#scenario = scenario;
    this.#plan = plan;
    this.policy = policy;
    this.#kernels = kernels;
    this.#budget = scenario.engine.eviction.budgetTokens;
    this.#stride = Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP;
    this.#scoreHeads = kernels.norms !== null || policy.scope === 'head' ? scenario.model.kvHeads : 1;
    this.#buffers = this.#allocate();
    this.bytes = this.#all().reduce((sum, { size }) => sum + size, 0);
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
    this.#gpu.buffers.destroy(...this.#all());
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

  #allocate(): EvictorBuffers {
    const { layers, queryHeads } = this.#scenario.model;
    const batch = this.#plan.sequences.length;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = (name: string, words: number) =>
      this.#gpu.buffers.create(`Evictor.${name}`, words * 4, usage);
    const several = (name: string, count: number, words: number) =>
      Array.from({ length: count }, () => buffer(name, words));
    const { attention, pages, topk } = this.#kernels;
    const rows = batch * this.#scoreHeads;
    const ranks = this.policy.signal !== 'none';
    // Votes and sums of a layer live on until it is cut; other scores are made just before.
    const lives = this.#kernels.votes !== null;
    return {
      probabilities: attention ? buffer('probabilities', batch * queryHeads * this.#stride) : null,
      scores: several('scores', lives ? layers : ranks ? 1 : 0, rows * this.#stride),
      pageScores: several('pageScores', pages ? layers : 0, batch * this.#pageStride),
      pooled: this.policy.signal === 'window-votes' ? buffer('pooled', rows * this.#stride) : null,
      kept: topk ? buffer('kept', rows * this.#budget) : null,
      counts: topk ? buffer('counts', rows * 2) : null,
      moves: topk ? buffer('moves', rows * this.#budget * 2) : null,
    };
  }

  #all(): GPUBuffer[] {
    const { probabilities, pooled, scores, pageScores, kept, counts, moves } = this.#buffers;
    const single = [probabilities, pooled, kept, counts, moves].filter((buffer) => buffer !== null);
    return [...single, ...scores, ...pageScores];
  }
}
