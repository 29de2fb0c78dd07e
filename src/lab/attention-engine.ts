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
import { createBlockCopy, type BlockCopy } from '../gpu/kernels/block-copy.ts';
import { createPagedDecode, type PagedDecode } from '../gpu/kernels/decode.ts';
import { createPrefill, type Prefill } from '../gpu/kernels/prefill.ts';
import type { DecodeTuning } from '../gpu/kernels/tuning.ts';
import { createAppender, type Appender, type AppendSequences } from './appender.ts';
import { UnsupportedError } from './errors.ts';
import { allocateLayers, type LayerBuffers } from './layer-buffers.ts';
import type { MemoryPlan } from './memory-plan.ts';
import { intoSubmits, type PacedOperation } from './pacer.ts';
import type { SequenceCache } from './sequences.ts';
import { createTokenSource, type TokenSource } from './token-source.ts';

/** One sequence in a step: its cache with the new tokens already taken. */
export interface StepRow {
  readonly cache: SequenceCache;
  readonly slots: readonly number[];
  readonly residualSlot: number;
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

/** Uniforms hold the upper bound of the context; in steps of this they recur, and with them the bind groups. */
const CONTEXT_STEP = 128;

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
  let layers: LayerBuffers | null = null;
  let decode: PagedDecode | null = null;
  try {
    decode = await createPagedDecode(gpu, {
      ...shape,
      ...ring,
      layout: engine.layout,
      tier: engine.tier,
      ...(tuning && { tuning }),
      windowed: engine.windowTokens > 0,
      maxBatch: plan.sequences.length,
      maxContextTokens,
    });
    layers = await allocateLayers(gpu, model.layers, plan);
    return new AttentionEngine(gpu, options, { append, prefill, copy, decode }, source, layers);
  } catch (error) {
    source.destroy();
    decode?.destroy();
    layers?.destroy();
    throw error;
  }
}

interface Launchers {
  readonly append: Appender;
  readonly prefill: Prefill;
  readonly copy: BlockCopy;
  readonly decode: PagedDecode;
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
  readonly #output: GPUBuffer;
  /** Lengths of the parts of a decode step that is too long for one dispatch, all other sequences at 0. */
  readonly #partLengths: GPUBuffer[] = [];
  #step = 0;
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
    const { prefill } = this.#launchers;
    const { windowTokens, sinkTokens } = this.#scenario.engine;
    const phase = this.#write(
      this.#prefillBuffers,
      rows,
      rows.map((_, i) => i),
    );
    const work = this.#macs(rows.map(({ cache, slots }) => cache.tokens * slots.length));
    return this.#eachLayer(phase, (layer) => {
      const args = {
        ...layer,
        blockTable: phase.sequences.blockTable,
        queryStarts: phase.sequences.queryStarts,
        contextLengths: phase.sequences.contextLengths,
        output: this.#output,
        batch: rows.length,
        totalTokens: phase.tokens,
        maxQueryTokens: phase.sequences.maxNewTokens,
        maxContextTokens: phase.longest,
        tableStride: this.#tableStride,
        windowTokens,
        sinkTokens,
        maxDispatchMacs: this.dispatchBudget,
      };
      const slices = prefill.slices(args);
      return slices.map((slice) => ({
        work: work / slices.length,
        encode: (pass) => prefill.encode(pass, { ...args, slice }),
      }));
    });
  }

  /** Appends one token to each row and attends to its whole cache. Work is multiply-adds. */
  decode(rows: readonly StepRow[]): PacedOperation[] {
    const { decode } = this.#launchers;
    const { windowTokens, sinkTokens, blockSize, layout } = this.#scenario.engine;
    // Contiguous rows have their place in the launch; appending takes the tokens in the same order.
    const ordered = [...rows].sort((a, b) => (a.cache.row ?? 0) - (b.cache.row ?? 0));
    const places = ordered.map(({ cache }, i) => cache.row ?? i);
    const phase = this.#write(this.#decodeBuffers, ordered, places);
    const rounded = Math.ceil(phase.longest / CONTEXT_STEP) * CONTEXT_STEP;
    const parts = this.#decodeParts(ordered, places);
    return this.#eachLayer(phase, (layer) => {
      const args = {
        ...layer,
        ...(layout === 'paged' && { blockTable: phase.sequences.blockTable }),
        output: this.#output,
        batch: phase.sequences.batch,
        maxContextTokens: Math.min(rounded, this.#tableStride * blockSize),
        tableStride: this.#tableStride,
        ...(windowTokens > 0 && { windowTokens, sinkTokens }),
      };
      return parts.map(({ lengths, work }) => ({
        work,
        encode: (pass) => decode.encode(pass, { ...args, contextLengths: lengths }),
      }));
    });
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
    const { windowTokens, sinkTokens } = this.#scenario.engine;
    return windowTokens === 0 ? tokens : Math.min(tokens, windowTokens + sinkTokens);
  }

  destroy(): void {
    const { slots, lengths, starts, table, residualSlots } = this.#prefillBuffers;
    const mine = [slots, lengths, starts, table, residualSlots, this.#output];
    this.#gpu.buffers.destroy(...mine, ...Object.values(this.#decodeBuffers), ...this.#partLengths);
    this.#launchers.decode.destroy();
    this.#source.destroy();
    this.#layers.destroy();
  }

  /** Every layer: append the new tokens, then whatever attends. */
  #eachLayer(phase: Phase, attend: (layer: LayerArgs) => PacedOperation[]): PacedOperation[] {
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
      return [append, ...attend({ query, pool, ...residual })];
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
