/**
 * The GPU side of an experiment: the caches of all layers and the launchers that append, attend, copy and evict, for
 * the shape of one point. Turns "these sequences take these tokens" into operations; submitting and timing them is the
 * step runner's.
 *
 * It is attention and cache only: no weights, no MLP, no sampling. Queries, keys and values come from token-source.ts.
 */
import type { BlockTable } from '../core/kv/block-table.ts';
import type { BlockMove } from '../core/kv/pool.ts';
import type { Scenario } from '../core/scenario/schema.ts';
import type { Gpu } from '../gpu/context.ts';
import { createBlockCopy, type BlockCopy } from '../gpu/kernels/block-copy.ts';
import { createPagedDecode, type PagedDecode, type PagedDecodeArgs } from '../gpu/kernels/decode.ts';
import { createPrefill, type Prefill } from '../gpu/kernels/prefill.ts';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import { createAppender, type Appender, type AppendSequences } from './appender.ts';
import { UnsupportedError } from './errors.ts';
import { allocateLayers, type LayerBuffers } from './layer-buffers.ts';
import { createEvictor, type Evictor, type EvictionRows, type Judged } from './evictor.ts';
import { CONTEXT_STEP, type MemoryPlan } from './memory-plan.ts';
import { createPageReader, type PageReader } from './page-reader.ts';
import { intoSubmits, type PacedOperation } from './pacer.ts';
import type { SequenceCache } from './sequences.ts';
import { createTokenSource, type TokenSource } from './token-source.ts';

/** One sequence in a step: its cache with the new tokens already taken. */
export interface StepRow {
  readonly cache: SequenceCache;
  readonly slots: readonly number[];
  readonly residualSlot: number;
  /** For eviction: the sequence's table, whose blocks may leave. */
  readonly table: BlockTable | null;
}

/** Bound buffers of a phase: written before its submit, read by all layers. */
interface PhaseBuffers {
  readonly slots: GPUBuffer;
  readonly lengths: GPUBuffer;
  readonly starts: GPUBuffer;
  readonly table: GPUBuffer;
  readonly residualSlots: GPUBuffer;
}

/** What the launches of one step share. */
interface Phase {
  readonly slots: GPUBuffer;
  readonly tokens: number;
  /** Longest context. */
  readonly longest: number;
  readonly sequences: AppendSequences;
}

/** What attention reads of one layer. */
interface LayerArgs {
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  readonly residual?: GPUBuffer;
  readonly residualSlots?: GPUBuffer;
}

export interface EngineOptions {
  readonly scenario: Scenario;
  readonly plan: MemoryPlan;
  readonly tuning: DecodeTuning | null;
}

/** @throws GpuOutOfMemoryError, UnsupportedError; nothing is kept then. */
export async function createAttentionEngine(gpu: Gpu, options: EngineOptions): Promise<AttentionEngine> {
  const { scenario, plan, tuning } = options;
  const { model, engine } = scenario;
  const { queryHeads, kvHeads, headDim } = model;
  if (engine.tier === 'cpu') {
    throw new UnsupportedError(
      'engine.tier cpu has no experiments: it is the plain twin, for comparison in the attention command.',
    );
  }
  const { blockSize, kvFormat: format, residualTokens } = engine;
  if (format === 'int2' && engine.layout === 'paged' && scenario.workload.sharedPrefixTokens > 0) {
    throw new UnsupportedError(
      'int2 keeps the newest tokens of each sequence apart in f16, so a prefix can’t be shared; choose int4.',
    );
  }
  const shape = { headDim, queryHeads, kvHeads, blockSize, format };
  const ring = format === 'int2' ? { residualTokens } : {};
  const maxContextTokens = Math.ceil(plan.maxContextTokens / CONTEXT_STEP) * CONTEXT_STEP;
  const [append, prefill, copy, source] = await Promise.all([
    createAppender(gpu, { ...shape, residualTokens }),
    createPrefill(gpu, { ...shape, ...ring }),
    createBlockCopy(gpu, { blockWords: plan.layout.blockWords }),
    createTokenSource(gpu, {
      ...{ queryHeads, kvHeads, headDim },
      rows: Math.max(plan.chunkTokens, plan.sequences.length),
      sets: plan.sourceSets,
      seed: scenario.seed,
    }),
  ]);
  const parts: { destroy(): void }[] = [source];
  const keep = <T extends { destroy(): void }>(part: T): T => (parts.push(part), part);
  try {
    const evictor = await createEvictor(gpu, scenario, plan);
    if (evictor) keep(evictor);
    const reader = await createPageReader(gpu, scenario, plan);
    if (reader) keep(reader);
    const config = {
      ...shape,
      ...ring,
      layout: engine.layout,
      tier: engine.tier,
      ...(tuning && { tuning }),
      maxBatch: plan.sequences.length,
      maxContextTokens,
    };
    const windowed = engine.windowTokens > 0 || (evictor !== null && evictor.window !== null);
    const decode = keep(await createPagedDecode(gpu, { ...config, windowed }));
    const scoring = evictor?.emitsScores
      ? keep(await createPagedDecode(gpu, { ...config, emitScores: true }))
      : null;
    const layers = keep(await allocateLayers(gpu, model.layers, plan));
    return new AttentionEngine(
      gpu,
      options,
      { append, prefill, copy, decode, scoring, evictor, reader },
      source,
      layers,
    );
  } catch (error) {
    for (const part of parts) part.destroy();
    throw error;
  }
}

interface Launchers {
  readonly append: Appender;
  readonly prefill: Prefill;
  readonly copy: BlockCopy;
  readonly decode: PagedDecode;
  /** Decode that also writes probabilities, for policies that rank by attention. */
  readonly scoring: PagedDecode | null;
  readonly evictor: Evictor | null;
  /** Quest: chooses what decode reads. */
  readonly reader: PageReader | null;
}

export class AttentionEngine {
  /** Kernel tier and variant of decode. */
  readonly variant: string;
  /** Bytes of pools and rings. */
  readonly kvBytes: number;
  readonly #gpu: Gpu;
  readonly #scenario: Scenario;
  readonly #plan: MemoryPlan;
  readonly #launchers: Launchers;
  readonly #source: TokenSource;
  readonly #layers: LayerBuffers;
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

  constructor(
    gpu: Gpu,
    { scenario, plan }: EngineOptions,
    launchers: Launchers,
    source: TokenSource,
    layers: LayerBuffers,
  ) {
    this.#gpu = gpu;
    this.#scenario = scenario;
    this.#plan = plan;
    this.#launchers = launchers;
    this.#source = source;
    this.#layers = layers;
    this.variant = launchers.decode.variant;
    this.kvBytes = layers.bytes;
    const batch = plan.sequences.length;
    this.#tableStride = plan.tableStride;
    this.#prefillBuffers = this.#phase('prefill', plan.chunkTokens, batch);
    this.#decodeBuffers = this.#phase('decode', batch, batch);
    const { evictor } = launchers;
    this.#evictBuffers = evictor ? this.#phase('evict', batch, batch) : null;
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
    return this.#layers.pools.map((pool) => ({
      work: 0,
      encode: (pass) => this.#launchers.copy.encode(pass, { pool, moves }),
    }));
  }

  /** Appends each row's new tokens and lets them attend to everything before them. Work is multiply-adds. */
  prefill(rows: readonly StepRow[]): PacedOperation[] {
    const { prefill, reader } = this.#launchers;
    const { windowTokens, sinkTokens } = this.#scenario.engine;
    const places = rows.map((row, i) => this.#prefillPlace(row, i));
    const phase = this.#write(this.#prefillBuffers, rows, places);
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
    const { evictor } = this.#launchers;
    if (!evictor || !this.#lastPrefill) return [];
    const { phase, step } = this.#lastPrefill;
    const { blockTable, queryStarts, contextLengths, batch } = phase.sequences;
    return this.#layers.pools.flatMap((pool, index) =>
      evictor.vote(
        index,
        {
          ...{ pool, blockTable, queryStarts, contextLengths, batch },
          query: this.#source.set(step + index).query,
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
    const { evictor } = this.#launchers;
    const ordered = [...rows].sort((a, b) => this.#place(a, 0) - this.#place(b, 0));
    const places = ordered.map((row, i) => this.#place(row, i));
    const phase = this.#write(this.#decodeBuffers, ordered, places);
    const scoringNow = rows.some(({ cache }) => evictor?.isDue(cache.tokens, false));
    const parts = this.#decodeParts(ordered, places);
    return this.#eachLayer(phase, true, (layer) => this.#attendOnce(phase, parts, layer, scoringNow, false));
  }

  /** For policies that rank by attention: the last query of prompts that are to be cut looks at all of them once more. */
  scorePrompts(rows: readonly StepRow[]): PacedOperation[] {
    const buffers = this.#evictBuffers;
    if (!buffers || !this.#launchers.evictor?.asksLastQuery) return [];
    const places = rows.map((row, i) => this.#place(row, i));
    const phase = this.#write(buffers, rows, places);
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
    const { decode: plain, scoring, evictor, reader } = this.#launchers;
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
    const { decode } = this.#launchers;
    const rows = rowsOf(phase);
    const { operations, pages } = reader.select(index, query, rows);
    const work = this.#macs([reader.visible(phase.longest) * phase.sequences.batch]);
    const attend: PacedOperation = { work, encode: (pass) => decode.encode(pass, { ...args, ...pages }) };
    return [...reader.update(index, pool, rows, 1), ...operations, attend];
  }

  /** Whether the sequence is to be cut now. */
  isDue(tokens: number, behindPrompt: boolean): boolean {
    return this.#launchers.evictor?.isDue(tokens, behindPrompt) ?? false;
  }

  /** Ranks, compacts and shortens the tables of these sequences; `edit` follows when the operations are done. */
  evict(rows: readonly StepRow[]): { operations: PacedOperation[]; edit: () => Promise<void> } {
    const { evictor } = this.#launchers;
    const buffers = this.#evictBuffers;
    if (!evictor || !buffers) return { operations: [], edit: () => Promise.resolve() };
    const places = rows.map((row, i) => this.#place(row, i));
    const phase = this.#write(buffers, rows, places);
    const operations = this.#layers.pools.flatMap((pool, index) =>
      evictor.layer({ index, pool, ring: this.#layers.residuals[index] }, rowsOf(phase)),
    );
    const judged: Judged[] = rows.flatMap(({ table }, i) => (table ? [{ row: places[i] ?? i, table }] : []));
    return { operations, edit: () => evictor.edit(judged) };
  }

  /** Prefill reads contiguous sequences through a table, so that only judged ones have a place. */
  #prefillPlace({ residualSlot }: StepRow, next: number): number {
    return this.#launchers.evictor ? residualSlot : next;
  }

  /**
   * Row of a sequence in a launch: contiguous sequences lie at theirs, judged ones keep theirs because scores live on,
   * others close up.
   */
  #place({ cache, residualSlot }: StepRow, next: number): number {
    return cache.row ?? (this.#launchers.evictor ? residualSlot : next);
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
    const { reader } = this.#launchers;
    if (reader) return reader.visible(tokens);
    return this.#window ? Math.min(tokens, this.#window.windowTokens + this.#window.sinkTokens) : tokens;
  }

  destroy(): void {
    const { slots, lengths, starts, table, residualSlots } = this.#prefillBuffers;
    const mine = [slots, lengths, starts, table, residualSlots, this.#output];
    this.#gpu.buffers.destroy(...mine, ...Object.values(this.#decodeBuffers), ...this.#partLengths);
    if (this.#evictBuffers) this.#gpu.buffers.destroy(...Object.values(this.#evictBuffers));
    this.#launchers.decode.destroy();
    this.#launchers.scoring?.destroy();
    this.#launchers.evictor?.destroy();
    this.#launchers.reader?.destroy();
    this.#source.destroy();
    this.#layers.destroy();
  }

  /** Every layer: append the new tokens (unless they are there), then whatever attends. */
  #eachLayer(
    phase: Phase,
    appends: boolean,
    attend: (layer: LayerArgs & { readonly index: number }) => PacedOperation[],
  ): PacedOperation[] {
    const step = this.#step++;
    return this.#layers.pools.flatMap((pool, index) => {
      const ring = this.#layers.residuals[index];
      const { query, key, value } = this.#source.set(step + index);
      const { slots, tokens, sequences } = phase;
      const append: PacedOperation = {
        work: 0,
        encode: (pass) =>
          this.#launchers.append.encode(pass, { key, value, pool, ring, slots, tokens, sequences }),
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

  /** Writes what the launches of a step read; takes effect before the step's first submit. */
  #write(buffers: PhaseBuffers, rows: readonly StepRow[], places: readonly number[]): Phase {
    const batch = Math.max(...places) + 1;
    const stride = this.#tableStride;
    const lengths = new Uint32Array(batch);
    const residualSlots = new Uint32Array(batch);
    const counts = new Uint32Array(batch);
    const table = new Uint32Array(batch * stride);
    rows.forEach(({ cache, residualSlot, slots }, i) => {
      const place = places[i] ?? i;
      lengths[place] = cache.tokens;
      residualSlots[place] = residualSlot;
      counts[place] = slots.length;
      cache.writeRow(table.subarray(place * stride, (place + 1) * stride));
    });
    const starts = new Uint32Array(batch + 1);
    counts.forEach((count, place) => (starts[place + 1] = (starts[place] ?? 0) + count));
    const { queue } = this.#gpu.device;
    queue.writeBuffer(buffers.slots, 0, Int32Array.from(rows.flatMap(({ slots }) => slots)));
    queue.writeBuffer(buffers.lengths, 0, lengths);
    queue.writeBuffer(buffers.starts, 0, starts);
    queue.writeBuffer(buffers.residualSlots, 0, residualSlots);
    queue.writeBuffer(buffers.table, 0, table);
    return {
      slots: buffers.slots,
      tokens: starts[batch] ?? 0,
      longest: Math.max(...lengths),
      sequences: {
        blockTable: buffers.table,
        tableStride: stride,
        queryStarts: buffers.starts,
        contextLengths: buffers.lengths,
        residualSlots: buffers.residualSlots,
        batch,
        maxNewTokens: Math.max(...counts),
      },
    };
  }

  #phase(name: string, tokens: number, batch: number): PhaseBuffers {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = (what: string, words: number) =>
      this.#gpu.buffers.create(`Engine.${name}.${what}`, words * 4, usage);
    return {
      slots: buffer('slots', tokens),
      lengths: buffer('lengths', batch),
      starts: buffer('starts', batch + 1),
      table: buffer('table', batch * this.#plan.tableStride),
      residualSlots: buffer('residualSlots', batch),
    };
  }
}

function rowsOf({ sequences, longest }: Phase): EvictionRows {
  return { ...sequences, longest };
}
