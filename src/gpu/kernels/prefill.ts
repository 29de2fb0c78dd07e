/**
 * Launcher of chunked causal prefill attention over the paged cache: the queries of a step are the last tokens of each
 * sequence, ragged over `queryStarts`, and attend to everything that the pool holds of that sequence up to themselves.
 * The twin is prefill.twin.ts.
 *
 * Work is dispatched in slices, so that no dispatch runs long: see `prefillSlices`.
 */
import { kvLayout, type KvFormat, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError, uniformWords } from './kernel.ts';
import { checkRing, kvRowConstants, ringBuffers, type RingArgs } from './prefill-constants.ts';
import { defaultPrefillTuning, prefillKernel, type PrefillTuning } from './prefill-tuning.ts';
import { prefillSlices, type PrefillSlice } from './prefill-slices.ts';

export interface PrefillConfig extends KvShape {
  readonly queryHeads: number;
  readonly format: KvFormat;
  /** Newest tokens that int2 keeps in f16; a multiple of the token group. */
  readonly residualTokens?: number;
  readonly tuning?: PrefillTuning;
}

export interface PrefillArgs extends RingArgs {
  /** f32 [totalTokens][queryHeads][headDim] */
  readonly query: GPUBuffer;
  readonly pool: GPUBuffer;
  /** u32 [batch][tableHeads][tableStride] */
  readonly blockTable: GPUBuffer;
  /** u32 [batch + 1]: sequence b owns query tokens queryStarts[b] … queryStarts[b + 1] − 1. */
  readonly queryStarts: GPUBuffer;
  /** u32 [batch][tableHeads]: tokens of each sequence, its queries included; 0: inactive, its output is zero. */
  readonly contextLengths: GPUBuffer;
  /** f32 [totalTokens][queryHeads][headDim] */
  readonly output: GPUBuffer;
  readonly batch: number;
  readonly totalTokens: number;
  /** Longest of the sequences' query runs. */
  readonly maxQueryTokens: number;
  readonly maxContextTokens: number;
  readonly tableStride: number;
  /** 1, or kvHeads where each head has a table of its own. */
  readonly tableHeads?: number;
  /** Sliding window in tokens, 0: none; the first `sinkTokens` stay visible. */
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
  /** Only this part of the work; without it all of it, in as many dispatches as `maxDispatchMacs` asks for. */
  readonly slice?: PrefillSlice;
  /** Multiply-adds of one dispatch; see `prefillSlices`. */
  readonly maxDispatchMacs?: number;
}

export interface Prefill {
  readonly variant: string;
  readonly layout: KvLayout;
  /** Parts of the work of at most `maxDispatchMacs` each, for a caller that submits them one by one. */
  slices(args: PrefillArgs): readonly PrefillSlice[];
  /** @throws LaunchError where a buffer is too small or a size is beyond the device. */
  encode(pass: GPUComputePassEncoder, args: PrefillArgs): void;
}

const KERNEL = 'prefill';
const NO_WINDOW = 0x3fffffff;

export async function createPrefill(gpu: Gpu, config: PrefillConfig): Promise<Prefill> {
  const { format, queryHeads, kvHeads, headDim } = config;
  if (queryHeads % kvHeads !== 0) {
    throw new LaunchError(KERNEL, `${queryHeads} query heads are no multiple of ${kvHeads} KV heads.`);
  }
  const layout = kvLayout(format, config);
  checkRing(KERNEL, layout, config.residualTokens);
  const group = queryHeads / kvHeads;
  const kernel = prefillKernel(config.tuning ?? defaultPrefillTuning(gpu), headDim);
  const { tileRows } = kernel;
  const constants = { ...kvRowConstants(layout, config.residualTokens), GROUP: group, ...kernel.constants };
  const pipeline = await gpu.pipelines.get({ kernel: kernel.kernel, constants });

  const slices = (args: PrefillArgs): readonly PrefillSlice[] =>
    prefillSlices({
      tileTokens: Math.ceil(tileRows / group),
      kvHeads,
      macsPerTokenHeadKey: 2 * headDim * group,
      batch: args.batch,
      maxQueryTokens: args.maxQueryTokens,
      maxContextTokens: args.maxContextTokens,
      maxDispatchMacs: args.maxDispatchMacs ?? Infinity,
    });

  return {
    variant: `${kernel.variant}-${format}`,
    layout,
    slices,
    encode(pass, args) {
      if (args.batch === 0 || args.maxQueryTokens === 0) return;
      check(args, config, layout);
      const { query, pool, blockTable, queryStarts, contextLengths, output } = args;
      pass.setPipeline(pipeline);
      for (const slice of args.slice ? [args.slice] : slices(args)) {
        const params = gpu.bindings.uniform(paramsOf(args, slice, headDim));
        const buffers = [
          params,
          query,
          pool,
          blockTable,
          queryStarts,
          contextLengths,
          output,
          ...ringBuffers(KERNEL, layout, args),
        ];
        pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
        const tiles = Math.ceil((slice.tokens * group) / tileRows);
        checkGrid(gpu, tiles, args.batch);
        pass.dispatchWorkgroups(tiles, slice.heads, args.batch);
      }
    },
  };
}

function paramsOf(args: PrefillArgs, slice: PrefillSlice, headDim: number): Uint32Array {
  const words = uniformWords([
    args.tableStride,
    args.tableHeads ?? 1,
    slice.firstToken,
    slice.tokens,
    slice.firstHead,
    args.windowTokens || NO_WINDOW,
    args.sinkTokens ?? 0,
  ]);
  // Base 2: exp2 is the hardware's own.
  new Float32Array(words.buffer)[7] = Math.LOG2E / Math.sqrt(headDim);
  return words;
}

function check(args: PrefillArgs, config: PrefillConfig, layout: KvLayout): void {
  const { queryHeads, kvHeads, headDim, blockSize } = config;
  const { batch, totalTokens, tableStride, maxContextTokens, maxQueryTokens, tableHeads = 1 } = args;
  if (tableHeads !== 1 && tableHeads !== kvHeads) {
    throw new LaunchError(KERNEL, `tableHeads is ${tableHeads}; 1 or ${kvHeads} is needed.`);
  }
  if (maxContextTokens > tableStride * blockSize) {
    throw new LaunchError(
      KERNEL,
      `${maxContextTokens} tokens need ${Math.ceil(maxContextTokens / blockSize)} table entries; the stride is ${tableStride}.`,
    );
  }
  if (maxQueryTokens > totalTokens) {
    throw new LaunchError(
      KERNEL,
      `maxQueryTokens is ${maxQueryTokens}, more than all ${totalTokens} tokens.`,
    );
  }
  const rowBytes = totalTokens * queryHeads * headDim * 4;
  checkBytes(KERNEL, 'query', args.query, rowBytes);
  checkBytes(KERNEL, 'output', args.output, rowBytes);
  checkBytes(KERNEL, 'pool', args.pool, layout.blockBytes);
  checkBytes(KERNEL, 'blockTable', args.blockTable, batch * tableHeads * tableStride * 4);
  checkBytes(KERNEL, 'queryStarts', args.queryStarts, (batch + 1) * 4);
  checkBytes(KERNEL, 'contextLengths', args.contextLengths, batch * tableHeads * 4);
}

function checkGrid(gpu: Gpu, tiles: number, batch: number): void {
  const most = gpu.limits.maxComputeWorkgroupsPerDimension;
  if (tiles > most || batch > most) {
    throw new LaunchError(
      KERNEL,
      `${tiles} tiles by ${batch} sequences; the device dispatches ${most} a dimension.`,
    );
  }
}
