/**
 * The GPU side of an experiment: the caches of all layers and the launchers that append, attend, copy and evict, for
 * the shape of one point. Turns "these sequences take these tokens" into operations; submitting and timing them is the
 * step runner's.
 *
 * It is attention and cache only: no weights, no MLP, no sampling. Queries, keys and values come from token-source.ts.
 */
import type { BlockMove } from '../core/kv/pool.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import type { PagedDecodeArgs } from '../gpu/kernels/decode-config.ts';
import { createEngineParts, type EngineOptions, type EngineParts } from './engine-parts.ts';
import { CONTEXT_STEP, type MemoryPlan } from './memory-plan.ts';
import { intoSubmits, type PacedOperation } from './pacer.ts';
import type { PageReader } from '../engine/eviction/page-reader.ts';
import { editTables, type Judged } from './eviction.ts';
import {
  allocatePhase,
  rowsOf,
  writePhase,
  type Phase,
  type PhaseBuffers,
  type StepRow,
} from './step-phase.ts';

/** What attention reads of one layer. */
interface LayerArgs {
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  readonly residual?: GPUBuffer;
  readonly residualSlots?: GPUBuffer;
}

/** @throws GpuOutOfMemoryError, UnsupportedError; nothing is kept then. */
export async function createAttentionEngine(gpu: Gpu, options: EngineOptions): Promise<AttentionEngine> {
  return new AttentionEngine(gpu, options, await createEngineParts(gpu, options));
}

export class AttentionEngine {
  /** Kernel tier and variant of decode. */
  readonly variant: string;
  /** Bytes of pools and rings. */
  readonly kvBytes: number;
  readonly #gpu: Gpu;
  readonly #scenario: Scenario;
  readonly #plan: MemoryPlan;
  readonly #parts: EngineParts;
  readonly #tableStride: number;
  readonly #prefillBuffers: PhaseBuffers;
  readonly #decodeBuffers: PhaseBuffers;
  readonly #evictBuffers: PhaseBuffers | null;
  readonly #window: { readonly windowTokens: number; readonly sinkTokens: number } | null;
  readonly #output: GPUBuffer;
  /** Lengths of the parts of a decode step that is too long for one dispatch, all other sequences at 0. */
  readonly #partLengths: GPUBuffer[] = [];
  #step = 0;
  #lastPrefill: { readonly phase: Phase; readonly step: number } | null = null;
  /** Multiply-adds of the largest dispatch; whoever paces the steps sets it from what the device has shown. */
  dispatchBudget = Infinity;

  constructor(gpu: Gpu, { scenario, plan }: EngineOptions, parts: EngineParts) {
    this.#gpu = gpu;
    this.#scenario = scenario;
    this.#plan = plan;
    this.#parts = parts;
    this.variant = parts.decode.variant;
    this.kvBytes = parts.layers.bytes;
    const batch = plan.sequences.length;
    this.#tableStride = plan.tableStride;
    this.#prefillBuffers = allocatePhase(gpu, 'prefill', {
      tokens: plan.chunkTokens,
      batch,
      tableStride: plan.tableStride,
    });
    this.#decodeBuffers = allocatePhase(gpu, 'decode', {
      tokens: batch,
      batch,
      tableStride: plan.tableStride,
    });
    const { evictor } = parts;
    this.#evictBuffers = evictor
      ? allocatePhase(gpu, 'evict', { tokens: batch, batch, tableStride: plan.tableStride })
      : null;
    const { windowTokens, sinkTokens } = scenario.engine;
    this.#window = evictor?.window ?? (windowTokens > 0 ? { windowTokens, sinkTokens } : null);
    const { queryHeads, headDim } = scenario.model;
    const outputRows = Math.max(plan.chunkTokens, batch);
    const { STORAGE, COPY_SRC } = GPUBufferUsage;
    this.#output = gpu.buffers.create(
      'Engine.output',
      outputRows * queryHeads * headDim * 4,
      STORAGE | COPY_SRC,
    );
  }

  /** Copies of shared blocks, in every layer, before the slots that they make room for are written. */
  copyBlocks(moves: readonly BlockMove[]): PacedOperation[] {
    if (moves.length === 0) return [];
    return this.#parts.layers.pools.map((pool) => ({
      work: 0,
      encode: (pass) => this.#parts.copy.encode(pass, { pool, moves }),
    }));
  }

  /** Appends each row's new tokens and lets them attend to everything before them. Work is multiply-adds. */
  prefill(rows: readonly StepRow[]): PacedOperation[] {
    const { prefill, reader } = this.#parts;
    const { windowTokens, sinkTokens } = this.#scenario.engine;
    const places = rows.map((row, i) => this.#prefillPlace(row, i));
    const phase = writePhase(this.#gpu, this.#prefillBuffers, rows, places, this.#tableStride);
    this.#lastPrefill = { phase, step: this.#step };
    const { blockTable, queryStarts, contextLengths, batch, maxNewTokens } = phase.sequences;
    const work = this.#macs(rows.map(({ cache, slots }) => cache.tokens * slots.length));
    return this.#eachLayer(phase, true, ({ index, ...layer }) => {
      const args = {
        ...layer,
        ...{ blockTable, queryStarts, contextLengths, batch },
        output: this.#output,
        totalTokens: phase.tokens,
        maxQueryTokens: maxNewTokens,
        maxContextTokens: phase.longest,
        tableStride: this.#tableStride,
        windowTokens,
        sinkTokens,
        maxDispatchMacs: this.dispatchBudget,
      };
      const slices = prefill.slices(args);
      const attend = slices.map((slice): PacedOperation => ({
        work: work / slices.length,
        encode: (pass) => prefill.encode(pass, { ...args, slice }),
      }));
      return [...attend, ...(reader?.update(index, layer.pool, rowsOf(phase), maxNewTokens) ?? [])];
    });
  }

  /** What the queries of the last prefill chunk, of one prompt, say of its tokens; nothing where the policy asks nobody. */
  votes({ cache, slots }: StepRow, promptTokens: number): PacedOperation[] {
    const { evictor } = this.#parts;
    if (!evictor || !this.#lastPrefill) return [];
    const { phase, step } = this.#lastPrefill;
    const { blockTable, queryStarts, contextLengths, batch } = phase.sequences;
    return this.#parts.layers.pools.flatMap((pool, index) =>
      evictor.vote(
        index,
        {
          ...{ pool, blockTable, queryStarts, contextLengths, batch },
          query: this.#parts.source.set(step + index).query,
          totalTokens: phase.tokens,
          longest: phase.longest,
          tableStride: this.#tableStride,
          first: cache.tokens - slots.length,
          tokens: slots.length,
          promptTokens,
        },
        this.dispatchBudget,
      ),
    );
  }

  /** Appends one token to each row and attends to its whole cache. Work is multiply-adds. */
  decode(rows: readonly StepRow[]): PacedOperation[] {
    const { evictor } = this.#parts;
    const ordered = [...rows].sort((a, b) => this.#place(a, 0) - this.#place(b, 0));
    const places = ordered.map((row, i) => this.#place(row, i));
    const phase = writePhase(this.#gpu, this.#decodeBuffers, ordered, places, this.#tableStride);
    const scoringNow = rows.some(({ cache }) => evictor?.isDue(cache.tokens, false));
    const parts = this.#decodeParts(ordered, places);
    return this.#eachLayer(phase, true, (layer) => this.#attendOnce(phase, parts, layer, scoringNow, false));
  }

  /** For policies that rank by attention: the last query of prompts that are to be cut looks at all of them once more. */
  scorePrompts(rows: readonly StepRow[]): PacedOperation[] {
    const buffers = this.#evictBuffers;
    if (!buffers || !this.#parts.evictor?.asksLastQuery) return [];
    const places = rows.map((row, i) => this.#place(row, i));
    const phase = writePhase(this.#gpu, buffers, rows, places, this.#tableStride);
    const work = this.#macs(rows.map(({ cache }) => cache.tokens));
    const parts = [{ lengths: buffers.lengths, work }];
    return this.#eachLayer(phase, false, (layer) => this.#attendOnce(phase, parts, layer, true, true));
  }

  /** Decode attention of one layer over the parts, and what the evictor wants to know of it. */
  #attendOnce(
    phase: Phase,
    parts: readonly { lengths: GPUBuffer; work: number }[],
    layer: LayerArgs & { readonly index: number },
    scoringNow: boolean,
    firstScores: boolean,
  ): PacedOperation[] {
    const { decode: plain, scoring, evictor, reader } = this.#parts;
    const { blockSize, layout } = this.#scenario.engine;
    const { index, ...buffers } = layer;
    const probabilities = evictor?.probabilitiesFor(scoringNow) ?? null;
    const decode = probabilities && scoring ? scoring : plain;
    const rounded = Math.ceil(phase.longest / CONTEXT_STEP) * CONTEXT_STEP;
    const maxContextTokens = Math.min(rounded, this.#tableStride * blockSize);
    const args = {
      ...buffers,
      ...(layout === 'paged' && { blockTable: phase.sequences.blockTable }),
      output: this.#output,
      batch: phase.sequences.batch,
      maxContextTokens,
      tableStride: this.#tableStride,
      ...this.#window,
      ...(probabilities && { scores: probabilities }),
    };
    if (reader) return this.#readPages(reader, phase, layer, args);
    const attend = parts.map(({ lengths, work }): PacedOperation => ({
      work,
      encode: (pass) => decode.encode(pass, { ...args, contextLengths: lengths }),
    }));
    if (!evictor || !probabilities) return attend;
    return [...attend, ...evictor.score(index, rowsOf(phase), maxContextTokens, firstScores)];
  }

  /** Quest: keeps the newest page's bounds, chooses pages for each head, attends to those. */
  #readPages(
    reader: PageReader,
    phase: Phase,
    { index, pool, query }: LayerArgs & { readonly index: number },
    args: Omit<PagedDecodeArgs, 'contextLengths'>,
  ): PacedOperation[] {
    const { decode } = this.#parts;
    const rows = rowsOf(phase);
    const { operations, pages } = reader.select(index, query, rows);
    const work = this.#macs([reader.visible(phase.longest) * phase.sequences.batch]);
    const attend: PacedOperation = { work, encode: (pass) => decode.encode(pass, { ...args, ...pages }) };
    return [...reader.update(index, pool, rows, 1), ...operations, attend];
  }

  /** Whether the sequence is to be cut now. */
  isDue(tokens: number, behindPrompt: boolean): boolean {
    return this.#parts.evictor?.isDue(tokens, behindPrompt) ?? false;
  }

  /** Ranks, compacts and shortens the tables of these sequences; `edit` follows when the operations are done. */
  evict(rows: readonly StepRow[]): { operations: PacedOperation[]; edit: () => Promise<void> } {
    const { evictor } = this.#parts;
    const buffers = this.#evictBuffers;
    if (!evictor || !buffers) return { operations: [], edit: () => Promise.resolve() };
    const places = rows.map((row, i) => this.#place(row, i));
    const phase = writePhase(this.#gpu, buffers, rows, places, this.#tableStride);
    const operations = this.#parts.layers.pools.flatMap((pool, index) =>
      evictor.layer({ index, pool, ring: this.#parts.layers.residuals[index] }, rowsOf(phase)),
    );
    const judged: Judged[] = rows.flatMap(({ table }, i) => (table ? [{ row: places[i] ?? i, table }] : []));
    return { operations, edit: () => editTables(evictor, this.#scenario, judged) };
  }

  /** Prefill reads contiguous sequences through a table, so that only judged ones have a place. */
  #prefillPlace({ residualSlot }: StepRow, next: number): number {
    return this.#parts.evictor ? residualSlot : next;
  }

  /**
   * Row of a sequence in a launch: contiguous sequences lie at theirs, judged ones keep theirs because scores live on,
   * others close up.
   */
  #place({ cache, residualSlot }: StepRow, next: number): number {
    return cache.row ?? (this.#parts.evictor ? residualSlot : next);
  }

  /**
   * One part with all sequences, or as many as keep each dispatch within the budget. A sequence outside a part has
   * length 0 there; what the parts write over each other's zeros is read by nobody.
   */
  #decodeParts(rows: readonly StepRow[], places: readonly number[]): { lengths: GPUBuffer; work: number }[] {
    const works = rows.map(({ cache }) => this.#macs([this.visible(cache.tokens)]));
    const total = works.reduce((a, b) => a + b, 0);
    if (total <= this.dispatchBudget) return [{ lengths: this.#decodeBuffers.lengths, work: total }];
    const single = works.map((work) => ({ work, encode: () => undefined }));
    return intoSubmits(single, this.dispatchBudget).map((part, p) => {
      const lengths = new Uint32Array(Math.max(...places) + 1);
      const members = part.map((operation) => single.findIndex((one) => one === operation));
      for (const i of members) lengths[places[i] ?? i] = rows[i]?.cache.tokens ?? 0;
      const buffer = (this.#partLengths[p] ??= this.#gpu.buffers.create(
        'Engine.partLengths',
        this.#plan.sequences.length * 4,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      ));
      this.#gpu.device.queue.writeBuffer(buffer, 0, lengths);
      return { lengths: buffer, work: part.reduce((sum, { work }) => sum + work, 0) };
    });
  }

  /** Tokens of a context that a decode step reads. */
  visible(tokens: number): number {
    const { reader } = this.#parts;
    if (reader) return reader.visible(tokens);
    return this.#window ? Math.min(tokens, this.#window.windowTokens + this.#window.sinkTokens) : tokens;
  }

  destroy(): void {
    const { slots, lengths, starts, table, residualSlots } = this.#prefillBuffers;
    const mine = [slots, lengths, starts, table, residualSlots, this.#output];
    this.#gpu.buffers.destroy(...mine, ...Object.values(this.#decodeBuffers), ...this.#partLengths);
    if (this.#evictBuffers) this.#gpu.buffers.destroy(...Object.values(this.#evictBuffers));
    this.#parts.decode.destroy();
    this.#parts.scoring?.destroy();
    this.#parts.evictor?.destroy();
    this.#parts.reader?.destroy();
    this.#parts.source.destroy();
    this.#parts.layers.destroy();
  }

  /** Every layer: append the new tokens (unless they are there), then whatever attends. */
  #eachLayer(
    phase: Phase,
    appends: boolean,
    attend: (layer: LayerArgs & { readonly index: number }) => PacedOperation[],
  ): PacedOperation[] {
    const step = this.#step++;
    return this.#parts.layers.pools.flatMap((pool, index) => {
      const ring = this.#parts.layers.residuals[index];
      const { query, key, value } = this.#parts.source.set(step + index);
      const { slots, tokens, sequences } = phase;
      const append: PacedOperation = {
        work: 0,
        encode: (pass) =>
          this.#parts.append.encode(pass, { key, value, pool, ring, slots, tokens, sequences }),
      };
      const residual = ring && { residual: ring, residualSlots: sequences.residualSlots };
      return [...(appends ? [append] : []), ...attend({ index, query, pool, ...residual })];
    });
  }

  /** Multiply-adds of Q·K and P·V for this many query-token pairs. */
  #macs(pairs: readonly number[]): number {
    const { queryHeads, headDim } = this.#scenario.model;
    return 2 * queryHeads * headDim * pairs.reduce((a, b) => a + b, 0);
  }
}
