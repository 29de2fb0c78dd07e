/**
 * Quest: everything stays, and each decode step reads the pages that could matter to its query. Bounds
 * of pages are kept up with every append; each kv head then gets a table of its own for the step.
 */
import { questPages } from '../../core/eviction/quest.ts';
import type { Gpu } from '../../gpu/context.ts';
import { createQuest, type Quest } from '../../gpu/kernels/quest.ts';
import { createTopK, type TopK } from '../../gpu/kernels/topk.ts';
import type { EvictionShape, Operation } from './shape.ts';

export interface PageRows {
  readonly blockTable: GPUBuffer;
  readonly contextLengths: GPUBuffer;
  readonly batch: number;
  readonly tableStride: number;
  readonly longest: number;
}

/** What decode reads instead of the whole tables. */
export interface SelectedPages {
  readonly blockTable: GPUBuffer;
  readonly contextLengths: GPUBuffer;
  readonly tableStride: number;
  readonly tableHeads: number;
  readonly maxContextTokens: number;
}

/** @throws GpuOutOfMemoryError; nothing is kept then. */
export async function createPageReader(gpu: Gpu, shape: EvictionShape): Promise<PageReader> {
  const { queryHeads, kvHeads, headDim, blockSize, format } = shape;
  const [quest, topk] = await Promise.all([
    createQuest(gpu, { queryHeads, kvHeads, headDim, blockSize, format }),
    createTopK(gpu, { moves: false }),
  ]);
  const bounds: GPUBuffer[] = [];
  try {
    for (let layer = 0; layer < shape.layers; layer++) {
      const bytes = quest.boundsBytes(shape.numBlocks);
      bounds.push(await gpu.buffers.tryCreate('PageReader.bounds', bytes, GPUBufferUsage.STORAGE));
    }
    return new PageReader(gpu, shape, quest, topk, bounds);
  } catch (error) {
    gpu.buffers.destroy(...bounds);
    throw error;
  }
}

export class PageReader {
  /** Pages that a head reads in one step. */
  readonly pages: number;
  readonly #gpu: Gpu;
  readonly #shape: EvictionShape;
  readonly #quest: Quest;
  readonly #topk: TopK;
  readonly #bounds: readonly GPUBuffer[];
  readonly #pageStride: number;
  readonly #buffers: Record<
    'pageScores' | 'kept' | 'counts' | 'selectedTable' | 'selectedLengths',
    GPUBuffer
  >;

  constructor(gpu: Gpu, shape: EvictionShape, quest: Quest, topk: TopK, bounds: readonly GPUBuffer[]) {
    this.#gpu = gpu;
    this.#shape = shape;
    this.#quest = quest;
    this.#topk = topk;
    this.#bounds = bounds;
    this.pages = questPages(shape.budgetTokens, shape.blockSize);
    this.#pageStride = shape.tableStride;
    const rows = shape.maxBatch * shape.kvHeads;
    const buffer = (name: string, words: number) =>
      gpu.buffers.create(`PageReader.${name}`, words * 4, GPUBufferUsage.STORAGE);
    this.#buffers = {
      pageScores: buffer('pageScores', rows * this.#pageStride),
      kept: buffer('kept', rows * this.pages),
      counts: buffer('counts', rows * 2),
      selectedTable: buffer('selectedTable', rows * this.pages),
      selectedLengths: buffer('selectedLengths', rows),
    };
  }

  /** Behind an append: bounds of the pages that it wrote. */
  update(layer: number, pool: GPUBuffer, rows: PageRows, newTokens: number): Operation[] {
    const bounds = this.#bounds[layer];
    if (!bounds) return [];
    // The first of the new tokens may lie in a page that was begun before.
    const lastPages = Math.ceil(newTokens / this.#shape.blockSize) + (newTokens > 1 ? 1 : 0);
    const args = { ...tableOf(rows), pool, bounds, maxContextTokens: rows.longest, lastPages };
    return [{ work: 0, encode: (pass) => this.#quest.encodeBounds(pass, args) }];
  }

  /** Before decode: ranks pages and writes the tables of the chosen ones. */
  select(layer: number, query: GPUBuffer, rows: PageRows): { operations: Operation[]; pages: SelectedPages } {
    const { pageScores, kept, counts, selectedTable, selectedLengths } = this.#buffers;
    const { kvHeads, blockSize } = this.#shape;
    const bounds = this.#bounds[layer];
    const table = tableOf(rows);
    const scoring = {
      ...table,
      query,
      pageScores,
      pageStride: this.#pageStride,
      maxContextTokens: rows.longest,
    };
    const ranking = {
      ...{ kept, counts, scores: pageScores, lengths: rows.contextLengths },
      rows: rows.batch * kvHeads,
      scoreStride: this.#pageStride,
      keptStride: this.pages,
      budget: this.pages,
      protect: { first: 0, last: 1 },
      rowsPerLength: kvHeads,
      entryTokens: blockSize,
    };
    const writing = { ...table, kept, counts, keptStride: this.pages, selectedTable, selectedLengths };
    return {
      operations: bounds
        ? [
            { work: 0, encode: (pass) => this.#quest.encodeScores(pass, { ...scoring, bounds }) },
            { work: 0, encode: (pass) => this.#topk.encode(pass, ranking) },
            { work: 0, encode: (pass) => this.#quest.encodeTable(pass, writing) },
          ]
        : [],
      pages: {
        blockTable: selectedTable,
        contextLengths: selectedLengths,
        tableStride: this.pages,
        tableHeads: kvHeads,
        maxContextTokens: Math.min(this.pages, this.#pageStride) * blockSize,
      },
    };
  }

  /** Tokens of a context that a head reads. */
  visible(tokens: number): number {
    return Math.min(tokens, this.pages * this.#shape.blockSize);
  }

  destroy(): void {
    this.#gpu.buffers.destroy(...Object.values(this.#buffers), ...this.#bounds);
  }
}

function tableOf({ blockTable, contextLengths, batch, tableStride }: PageRows) {
  return { blockTable, contextLengths, batch, tableStride };
}
