/**
 * Launchers of Quest: bounds of pages, their scores against a query, and the block tables of the selected pages. The
 * selection between them is top-k (topk.ts); decode attention then reads the selected table with `tableHeads` = kvHeads.
 * The twins are `questBounds`, `questPageScore` and `selectPages` (src/core/eviction/quest.ts).
 */
import { kvLayout, type KvFormat, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import { checkRing, kvRowConstants, ringBuffers, type RingArgs } from './prefill-constants.ts';

export interface QuestConfig extends KvShape {
  readonly queryHeads: number;
  readonly format: KvFormat;
  readonly residualTokens?: number;
}

interface TableArgs {
  /** u32 [batch][tableHeads][tableStride] */
  readonly blockTable: GPUBuffer;
  /** u32 [batch][tableHeads] */
  readonly contextLengths: GPUBuffer;
  readonly batch: number;
  readonly tableStride: number;
  readonly tableHeads?: number;
}

export interface QuestBoundsArgs extends TableArgs, RingArgs {
  readonly pool: GPUBuffer;
  /** f32 [blocks][kvHeads][min, max][headDim] */
  readonly bounds: GPUBuffer;
  readonly maxContextTokens: number;
  /** Only the newest pages of each sequence; 0: all. After an append of one token, 1. */
  readonly lastPages: number;
}

export interface QuestScoresArgs extends TableArgs {
  /** f32 [batch][queryHeads][headDim] */
  readonly query: GPUBuffer;
  readonly bounds: GPUBuffer;
  /** f32 [batch][kvHeads][pageStride] */
  readonly pageScores: GPUBuffer;
  readonly pageStride: number;
  readonly maxContextTokens: number;
}

export interface QuestTableArgs extends TableArgs {
  /** What top-k wrote: u32 [batch][kvHeads][keptStride] and u32 [batch][kvHeads][2]. */
  readonly kept: GPUBuffer;
  readonly counts: GPUBuffer;
  readonly keptStride: number;
  /** u32 [batch][kvHeads][keptStride], u32 [batch][kvHeads] */
  readonly selectedTable: GPUBuffer;
  readonly selectedLengths: GPUBuffer;
}

export interface Quest {
  /** Bytes of the bounds of so many blocks. */
  boundsBytes(blocks: number): number;
  encodeBounds(pass: GPUComputePassEncoder, args: QuestBoundsArgs): void;
  encodeScores(pass: GPUComputePassEncoder, args: QuestScoresArgs): void;
  encodeTable(pass: GPUComputePassEncoder, args: QuestTableArgs): void;
}

const KERNEL = 'quest';
const PAGES_PER_GROUP = 8;

/** @throws LaunchError where int2 comes without its ring. */
export async function createQuest(gpu: Gpu, config: QuestConfig): Promise<Quest> {
  const { kvHeads, queryHeads, headDim, blockSize } = config;
  const layout = kvLayout(config.format, config);
  checkRing(KERNEL, layout, config.residualTokens);
  const constants = { ...kvRowConstants(layout, config.residualTokens), GROUP: queryHeads / kvHeads };
  const [boundsPipeline, scoresPipeline, tablePipeline] = await Promise.all([
    gpu.pipelines.get({ kernel: 'quest_bounds', constants }),
    gpu.pipelines.get({ kernel: 'quest_scores', constants }),
    gpu.pipelines.get({ kernel: 'quest_table' }),
  ]);
  const pagesOf = (tokens: number) => Math.ceil(tokens / blockSize);
  const run = (
    pass: GPUComputePassEncoder,
    pipeline: GPUComputePipeline,
    buffers: readonly GPUBuffer[],
    grid: readonly [number, number, number],
  ) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
    pass.dispatchWorkgroups(...grid);
  };

  return {
    boundsBytes: (blocks) => blocks * kvHeads * 2 * headDim * 4,

    encodeBounds(pass, args) {
      const { batch, tableStride, tableHeads = 1, lastPages } = args;
      const pages = pagesOf(args.maxContextTokens);
      if (batch === 0 || pages === 0) return;
      checkTable(args, kvHeads, pages);
      const params = gpu.bindings.uniform(uniformWords([tableStride, tableHeads, lastPages]));
      const ring = ringBuffers(KERNEL, layout, args);
      const buffers = [params, args.pool, args.blockTable, args.contextLengths, args.bounds, ...ring];
      run(pass, boundsPipeline, buffers, [
        lastPages > 0 ? Math.min(lastPages, pages) : pages,
        kvHeads,
        batch,
      ]);
    },

    encodeScores(pass, args) {
      const { batch, tableStride, tableHeads = 1, pageStride } = args;
      const pages = pagesOf(args.maxContextTokens);
      if (batch === 0 || pages === 0) return;
      checkTable(args, kvHeads, pages);
      if (pages > pageStride)
        throw new LaunchError(KERNEL, `${pages} pages do not fit rows of ${pageStride}.`);
      checkBytes(KERNEL, 'query', args.query, batch * queryHeads * headDim * 4);
      checkBytes(KERNEL, 'pageScores', args.pageScores, batch * kvHeads * pageStride * 4);
      const params = gpu.bindings.uniform(uniformWords([tableStride, tableHeads, pageStride]));
      const { query, bounds, blockTable, contextLengths, pageScores } = args;
      const buffers = [params, query, bounds, blockTable, contextLengths, pageScores];
      run(pass, scoresPipeline, buffers, [Math.ceil(pages / PAGES_PER_GROUP), kvHeads, batch]);
    },

    encodeTable(pass, args) {
      const { batch, tableStride, tableHeads = 1, keptStride } = args;
      if (batch === 0) return;
      const rows = batch * kvHeads;
      checkTable(args, kvHeads, 0);
      checkBytes(KERNEL, 'kept', args.kept, rows * keptStride * 4);
      checkBytes(KERNEL, 'counts', args.counts, rows * 8);
      checkBytes(KERNEL, 'selectedTable', args.selectedTable, rows * keptStride * 4);
      checkBytes(KERNEL, 'selectedLengths', args.selectedLengths, rows * 4);
      const words = uniformWords([tableStride, tableHeads, kvHeads, keptStride, blockSize]);
      const { kept, counts, blockTable, contextLengths, selectedTable, selectedLengths } = args;
      const buffers = [gpu.bindings.uniform(words), kept, counts, blockTable, contextLengths];
      run(
        pass,
        tablePipeline,
        [...buffers, selectedTable, selectedLengths],
        [Math.ceil(keptStride / 64), rows, 1],
      );
    },
  };
}

function checkTable(
  { batch, tableStride, tableHeads = 1, blockTable, contextLengths }: TableArgs,
  kvHeads: number,
  pages: number,
): void {
  if (tableHeads !== 1 && tableHeads !== kvHeads) {
    throw new LaunchError(KERNEL, `tableHeads is ${tableHeads}; 1 or ${kvHeads} is needed.`);
  }
  if (pages > tableStride)
    throw new LaunchError(KERNEL, `${pages} pages exceed the table's ${tableStride} entries.`);
  checkBytes(KERNEL, 'blockTable', blockTable, batch * tableHeads * tableStride * 4);
  checkBytes(KERNEL, 'contextLengths', contextLengths, batch * tableHeads * 4);
}
