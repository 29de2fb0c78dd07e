/**
 * Attention of one layer over the paged cache: the step's keys and values go into their slots, then the decodes and the
 * prompt chunks read what is theirs, all of it or what a policy chooses.
 *
 * Boundary: launches of one layer. Projections around it are forward.ts's.
 */
import { createPagedDecode, type PagedDecode } from '../gpu/kernels/decode.ts';
import type { PagedDecodeArgs } from '../gpu/kernels/decode-config.ts';
import { createPrefill, type Prefill } from '../gpu/kernels/prefill.ts';
import { createAppender, ropeAppendsFor, type Appender } from './appender.ts';
import { createCapture, type Capture } from './capture.ts';
import { contextBound } from './context-bound.ts';
import { createChoice, type Choice } from './eviction/choice.ts';
import type { ForwardParts } from './forward.ts';
import { cacheShape, poolOf } from './kv-cache.ts';
import type { Passes } from './passes.ts';
import type { StepBatch } from './step-batch.ts';
import { stepRows } from './step-rows.ts';

/** Multiply-adds of one prefill dispatch: about 50 ms of a software adapter, and of a small integrated GPU. */
const SOFTWARE_DISPATCH_MACS = 5e7;
const GPU_DISPATCH_MACS = 5e9;

export interface Attention {
  readonly variant: string;
  readonly capture: Capture | null;
  /** What evicts, or selects what is read; null where everything stays and is read. */
  readonly choice: Choice | null;
  /** Before a step is encoded. */
  prepare(batch: StepBatch): void;
  encode(passes: Passes, layer: number, batch: StepBatch): void;
  destroy(): void;
}

interface Launchers {
  /** null where RoPE has done it. */
  readonly append: Appender | null;
  readonly decode: PagedDecode;
  readonly prefill: Prefill;
}

export async function createAttention(parts: ForwardParts): Promise<Attention> {
  const { gpu, model, settings, limits } = parts;
  const { config } = model;
  const { kvFormat: format, residualTokens, blockSize } = settings;
  const shape = { ...cacheShape(config, blockSize), queryHeads: config.queryHeads, format };
  const ring = format === 'int2' ? { residualTokens } : {};
  const capture = createCapture(parts);
  const decodeConfig = {
    ...shape,
    ...ring,
    layout: 'paged' as const,
    tier: settings.tier,
    maxBatch: limits.maxSequences,
    maxContextTokens: limits.tableStride * blockSize,
    windowed: config.windowTokens > 0 || settings.eviction.policy === 'streaming-llm',
  };
  const [append, decode, prefill, choice] = await Promise.all([
    ropeAppendsFor(parts) ? null : createAppender(gpu, { ...shape, residualTokens }),
    createPagedDecode(gpu, { ...decodeConfig, ...(capture?.wantsWeights && { emitScores: true }) }),
    createPrefill(gpu, { ...shape, ...ring }),
    createChoice(parts, decodeConfig),
  ]);
  return new LayerAttention(parts, { append, decode, prefill }, capture, choice);
}

class LayerAttention implements Attention {
  readonly variant: string;
  readonly capture: Capture | null;
  readonly choice: Choice | null;
  readonly #parts: ForwardParts;
  readonly #launchers: Launchers;

  constructor(parts: ForwardParts, launchers: Launchers, capture: Capture | null, choice: Choice | null) {
    this.choice = choice;
    this.#parts = parts;
    this.#launchers = launchers;
    this.capture = capture;
    this.variant = launchers.decode.variant;
  }

  prepare(batch: StepBatch): void {
    this.choice?.observer?.prepare(batch);
  }

  encode(passes: Passes, layer: number, batch: StepBatch): void {
    const { buffers, hooks } = this.#parts;
    hooks.onKeysValues?.encode(passes.pass, {
      layer,
      query: buffers.query,
      key: buffers.key,
      value: buffers.value,
      tokens: batch.tokens,
      sequences: stepRows(batch),
    });
    this.#append(passes.pass, layer, batch);
    this.choice?.appended(passes.pass, layer, batch);
    this.#prefill(passes.pass, layer, batch);
    this.#decode(passes.pass, layer, batch);
    this.capture?.copy(passes, layer, batch);
  }

  destroy(): void {
    this.#launchers.decode.destroy();
    this.capture?.destroy();
    this.choice?.destroy();
  }

  #append(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    const { buffers, cache, limits } = this.#parts;
    const { all } = buffers;
    this.#launchers.append?.encode(pass, {
      key: buffers.key,
      value: buffers.value,
      pool: poolOf(cache, layer),
      ring: cache.rings[layer],
      slots: buffers.slots,
      tokens: batch.tokens,
      sequences: {
        blockTable: all.table,
        tableStride: limits.tableStride,
        queryStarts: all.starts,
        contextLengths: all.contexts,
        residualSlots: all.ringSlots,
        batch: batch.decodes + batch.numChunks,
        maxNewTokens: Math.max(1, batch.maxChunkTokens),
      },
    });
  }

  #prefill(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    if (batch.numChunks === 0) return;
    const { gpu, buffers, cache, limits, model } = this.#parts;
    const { chunks } = buffers;
    const maxDispatchMacs = gpu.isFallback ? SOFTWARE_DISPATCH_MACS : GPU_DISPATCH_MACS;
    this.#launchers.prefill.encode(pass, {
      query: buffers.query,
      pool: poolOf(cache, layer),
      blockTable: chunks.table,
      queryStarts: chunks.starts,
      contextLengths: chunks.contexts,
      output: buffers.attention,
      batch: batch.numChunks,
      totalTokens: batch.tokens,
      maxQueryTokens: batch.maxChunkTokens,
      maxContextTokens: contextBound(batch.maxChunkContext),
      tableStride: limits.tableStride,
      windowTokens: model.config.windowTokens,
      maxDispatchMacs,
      ...this.#ring(layer, chunks.ringSlots),
    });
    this.choice?.observer?.vote(pass, layer, poolOf(cache, layer), batch, maxDispatchMacs);
  }

  #decode(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    if (batch.decodes === 0) return;
    const { buffers, cache, limits, model } = this.#parts;
    const { all } = buffers;
    const weights = this.capture?.weights;
    const args: PagedDecodeArgs = {
      query: buffers.query,
      pool: poolOf(cache, layer),
      blockTable: all.table,
      contextLengths: all.contexts,
      output: buffers.attention,
      batch: batch.decodes,
      maxContextTokens: contextBound(batch.maxDecodeContext),
      tableStride: limits.tableStride,
      windowTokens: model.config.windowTokens,
      ...this.choice?.observer?.window,
      ...(weights && { scores: weights }),
      ...this.#ring(layer, all.ringSlots),
    };
    if (this.choice?.observer?.decode(pass, layer, args, batch)) return;
    const read = this.choice?.select(pass, layer, args, batch) ?? args;
    this.#launchers.decode.encode(pass, read);
  }

  #ring(layer: number, residualSlots: GPUBuffer) {
    const residual = this.#parts.cache.rings[layer];
    return residual ? { residual, residualSlots } : {};
  }
}
