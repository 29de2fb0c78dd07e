/**
 * What a policy changes in the attention of an engine: sequences that are cut (evictor, with its observer), or decodes
 * that read a choice of blocks (Quest). One of the two, or neither.
 */
import { createPagedDecode } from '../../gpu/kernels/decode.ts';
import type { PagedDecodeArgs, PagedDecodeConfig } from '../../gpu/kernels/decode-config.ts';
import { contextBound } from '../context-bound.ts';
import type { ForwardParts } from '../forward.ts';
import { cacheShape } from '../kv-cache.ts';
import type { StepBatch } from '../step-batch.ts';
import { createEvictor, type Evictor } from './evictor.ts';
import { Observer } from './observe.ts';
import { createPageReader, type PageReader } from './page-reader.ts';
import type { EvictionShape } from './shape.ts';

export interface Choice {
  readonly shape: EvictionShape;
  /** null where nothing is dropped. */
  readonly evictor: Evictor | null;
  readonly observer: Observer | null;
  /** Behind an append: keeps what selection needs to know of the new tokens. */
  appended(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void;
  /** What decode reads instead of everything; null where it reads everything. */
  select(
    pass: GPUComputePassEncoder,
    layer: number,
    args: PagedDecodeArgs,
    batch: StepBatch,
  ): PagedDecodeArgs | null;
  destroy(): void;
}

/** null for the policy `none`. @throws GpuOutOfMemoryError */
export async function createChoice(parts: ForwardParts, decode: PagedDecodeConfig): Promise<Choice | null> {
  const { policy } = parts.settings.eviction;
  if (policy === 'none') return null;
  const shape = shapeOf(parts);
  if (policy === 'quest') return new Selection(shape, parts, await createPageReader(parts.gpu, shape));
  const evictor = await createEvictor(parts.gpu, shape);
  if (!evictor) return null;
  const { gpu, buffers } = parts;
  const scoring = evictor.emitsScores ? await createPagedDecode(gpu, { ...decode, emitScores: true }) : null;
  const observer = new Observer({ gpu, shape, evictor, buffers, scoring });
  return {
    ...{ shape, evictor, observer },
    appended: () => undefined,
    select: () => null,
    destroy: () => {
      observer.destroy();
      evictor.destroy();
    },
  };
}

class Selection implements Choice {
  readonly evictor = null;
  readonly observer = null;
  readonly shape: EvictionShape;
  readonly #parts: ForwardParts;
  readonly #reader: PageReader;

  constructor(shape: EvictionShape, parts: ForwardParts, reader: PageReader) {
    this.shape = shape;
    this.#parts = parts;
    this.#reader = reader;
  }

  appended(pass: GPUComputePassEncoder, layer: number, batch: StepBatch): void {
    const { all, chunks } = this.#parts.buffers;
    if (batch.decodes > 0)
      this.#update(pass, layer, this.#rows(all, batch.decodes, batch.maxDecodeContext), 1);
    if (batch.numChunks === 0) return;
    this.#update(
      pass,
      layer,
      this.#rows(chunks, batch.numChunks, batch.maxChunkContext),
      batch.maxChunkTokens,
    );
  }

  select(
    pass: GPUComputePassEncoder,
    layer: number,
    args: PagedDecodeArgs,
    batch: StepBatch,
  ): PagedDecodeArgs {
    const { all } = this.#parts.buffers;
    const rows = this.#rows(all, batch.decodes, batch.maxDecodeContext);
    const { operations, pages } = this.#reader.select(layer, args.query, rows);
    for (const operation of operations) operation.encode(pass);
    return { ...args, ...pages };
  }

  destroy(): void {
    this.#reader.destroy();
  }

  #update(pass: GPUComputePassEncoder, layer: number, rows: Rows, newTokens: number): void {
    const pool = this.#parts.cache.pools[layer];
    if (!pool) return;
    for (const operation of this.#reader.update(layer, pool, rows, newTokens)) operation.encode(pass);
  }

  #rows(
    { table, contexts }: { table: GPUBuffer; contexts: GPUBuffer },
    batch: number,
    longest: number,
  ): Rows {
    const { tableStride } = this.shape;
    return {
      blockTable: table,
      contextLengths: contexts,
      batch,
      tableStride,
      longest: contextBound(longest),
    };
  }
}

type Rows = Parameters<PageReader['update']>[2];

function shapeOf({ model, settings, limits }: ForwardParts): EvictionShape {
  const { layers, queryHeads } = model.config;
  return {
    ...{ layers, queryHeads },
    ...cacheShape(model.config, settings.blockSize),
    policy: settings.eviction.policy,
    budgetTokens: settings.eviction.budgetTokens,
    format: settings.kvFormat,
    residualTokens: settings.residualTokens,
    maxBatch: limits.maxSequences,
    scoreStride: limits.tableStride * settings.blockSize,
    chunkTokens: limits.maxTokens,
    tableStride: limits.tableStride,
    numBlocks: settings.numBlocks,
  };
}
