/**
 * Attention of one layer over the paged cache: the step's keys and values go into their slots, then the decodes and the
 * prompt chunks read what is theirs.
 *
 * Boundary: launches of one layer. Projections around it are forward.ts's.
 */
import { createPagedDecode, type PagedDecode } from '../gpu/kernels/decode.ts';
import { createPrefill, type Prefill } from '../gpu/kernels/prefill.ts';
import { createAppender, type Appender } from './appender.ts';
import { contextBound } from './context-bound.ts';
import { createCapture, type Capture } from './capture.ts';
import type { ForwardParts } from './forward.ts';
import { cacheShape } from './kv-cache.ts';
import type { Passes } from './passes.ts';
import type { StepBatch } from './step-batch.ts';
import { stepRows } from './step-rows.ts';

/** Multiply-adds of one prefill dispatch: about 50 ms of a software adapter, and of a small integrated GPU. */
const SOFTWARE_DISPATCH_MACS = 5e7;
const GPU_DISPATCH_MACS = 5e9;

export interface Attention {
  readonly variant: string;
  readonly capture: Capture | null;
  encode(passes: Passes, layer: number, batch: StepBatch): void;
  destroy(): void;
}

interface Launchers {
  readonly append: Appender;
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
  const [append, decode, prefill] = await Promise.all([
    createAppender(gpu, { ...shape, residualTokens }),
    createPagedDecode(gpu, {
      ...shape,
      ...ring,
      layout: 'paged',
      tier: settings.tier,
      maxBatch: limits.maxSequences,
      maxContextTokens: limits.tableStride * blockSize,
      windowed: config.windowTokens > 0,
      ...(capture?.wantsWeights && { emitScores: true }),
    }),
    createPrefill(gpu, { ...shape, ...ring }),
  ]);
  return new LayerAttention(parts, { append, decode, prefill }, capture);
}

class LayerAttention implements Attention {
  readonly variant: string;
  readonly capture: Capture | null;
  readonly #parts: ForwardParts;
  readonly #launchers: Launchers;

  constructor(parts: ForwardParts, launchers: Launchers, capture: Capture | null) {
    this.#parts = parts;
    this.#launchers = launchers;
    this.capture = capture;
    this.variant = launchers.decode.variant;
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
    this.#prefill(passes.pass, layer, batch);
    this.#decode(passes.pass, layer, batch);
    this.capture?.copy(passes, layer, batch);
  }

  destroy(): void {
    this.#launchers.decode.destroy();
    this.capture?.destroy();
  }

  #append(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    const { buffers, cache, limits } = this.#parts;
    const { all } = buffers;
    this.#launchers.append.encode(pass, {
      key: buffers.key,
      value: buffers.value,
      pool: at(cache.pools, layer),
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
    this.#launchers.prefill.encode(pass, {
      query: buffers.query,
      pool: at(cache.pools, layer),
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
      maxDispatchMacs: gpu.isFallback ? SOFTWARE_DISPATCH_MACS : GPU_DISPATCH_MACS,
      ...this.#ring(layer, chunks.ringSlots),
    });
  }

  #decode(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    if (batch.decodes === 0) return;
    const { buffers, cache, limits, model } = this.#parts;
    const { all } = buffers;
    const weights = this.capture?.weights;
    this.#launchers.decode.encode(pass, {
      query: buffers.query,
      pool: at(cache.pools, layer),
      blockTable: all.table,
      contextLengths: all.contexts,
      output: buffers.attention,
      batch: batch.decodes,
      maxContextTokens: contextBound(batch.maxDecodeContext),
      tableStride: limits.tableStride,
      windowTokens: model.config.windowTokens,
      ...(weights && { scores: weights }),
      ...this.#ring(layer, all.ringSlots),
    });
  }

  #ring(layer: number, residualSlots: GPUBuffer) {
    const residual = this.#parts.cache.rings[layer];
    return residual ? { residual, residualSlots } : {};
  }
}

function at(buffers: readonly GPUBuffer[], layer: number): GPUBuffer {
  const buffer = buffers[layer];
  if (!buffer) throw new RangeError(`The cache has ${buffers.length} layers; layer ${layer} was asked for.`);
  return buffer;
}
