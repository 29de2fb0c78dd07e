/**
 * Launcher of decode attention: one new query a sequence against its paged (or contiguous) KV cache, any batch of ragged
 * lengths in one dispatch. Kernels: shaders/paged_decode.wgsl, decode_merge.wgsl, decode_scores.wgsl. The twin is
 * decode.twin.ts; the choices that can be tuned are in tuning.ts.
 */
import { kvLayout, type KvLayout } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { checkArgs, checkConfig } from './decode-check.ts';
import type { PagedDecodeArgs, PagedDecodeConfig } from './decode-config.ts';
import { decodeConstants } from './decode-constants.ts';
import { LaunchError, uniformWords } from './kernel.ts';
import {
  defaultTuning,
  maxSplitRows,
  planDispatches,
  planSplits,
  type DecodeTier,
  type DecodeTuning,
  type SplitPlan,
} from './tuning.ts';

export interface PagedDecode {
  /** Names the kernel that was chosen, for results. */
  readonly variant: string;
  readonly tier: DecodeTier;
  readonly tuning: DecodeTuning;
  readonly layout: KvLayout;
  readonly workspaceBytes: number;
  /** @throws LaunchError where sizes do not fit. */
  encode(pass: GPUComputePassEncoder, args: PagedDecodeArgs): void;
  /** How `encode` splits the longest sequence. */
  plan(batch: number, visibleTokens: number): SplitPlan;
  /** Frees the workspace. */
  destroy(): void;
}

const KERNEL = 'paged_decode';

interface Choice {
  readonly layout: KvLayout;
  readonly tier: DecodeTier;
  readonly tuning: DecodeTuning;
}

/** @throws LaunchError where the shape or the device does not allow the variant. */
export async function createPagedDecode(gpu: Gpu, config: PagedDecodeConfig): Promise<PagedDecode> {
  const layout = kvLayout(config.format, config);
  const tier = chooseTier(gpu, config);
  const tuning = config.tuning ?? defaultTuning(gpu, tier, config);
  checkConfig(gpu, config, tier, tuning);
  const { headDim, queryHeads, kvHeads } = config;
  const rows = { QUERY_HEADS: queryHeads, GROUP: queryHeads / kvHeads };
  const [attend, merge, normalize] = await Promise.all([
    gpu.pipelines.get({
      kernel: tier === 'subgroups' ? KERNEL : 'paged_decode_shared',
      constants: decodeConstants(gpu, config, layout, tier, tuning),
    }),
    gpu.pipelines.get({
      kernel: 'decode_merge',
      constants: { ...rows, HEAD_DIM: headDim, WORKGROUP: gpu.isFallback ? 16 : 64 },
    }),
    config.emitScores ? gpu.pipelines.get({ kernel: 'decode_scores', constants: rows }) : null,
  ]);
  return new Launcher(gpu, config, { layout, tier, tuning }, { attend, merge, normalize });
}

function chooseTier(gpu: Gpu, { tier }: PagedDecodeConfig): DecodeTier {
  if (tier === 'subgroups' && !gpu.features.subgroups) {
    throw new LaunchError(KERNEL, 'the tier is subgroups, which this device does not have; choose auto.');
  }
  if (tier !== 'auto') return tier;
  return gpu.features.subgroups ? 'subgroups' : 'no-subgroups';
}

interface Kernels {
  readonly attend: GPUComputePipeline;
  readonly merge: GPUComputePipeline;
  readonly normalize: GPUComputePipeline | null;
}

class Launcher implements PagedDecode {
  readonly variant: string;
  readonly tier: DecodeTier;
  readonly tuning: DecodeTuning;
  readonly layout: KvLayout;
  readonly workspaceBytes: number;
  #gpu: Gpu;
  #config: PagedDecodeConfig;
  #kernels: Kernels;
  #partials: GPUBuffer;
  #lse: GPUBuffer;
  /** Index in #lse of the joined sums, behind those of the splits. */
  #totalsOffset: number;

  constructor(gpu: Gpu, config: PagedDecodeConfig, choice: Choice, kernels: Kernels) {
    this.#gpu = gpu;
    this.#config = config;
    this.#kernels = kernels;
    this.layout = choice.layout;
    this.tier = choice.tier;
    this.tuning = choice.tuning;
    this.variant = variantName(config, choice);
    const { maxBatch, queryHeads, headDim } = config;
    const splitRows = maxSplitRows(choice.tuning, config) * queryHeads;
    this.#totalsOffset = splitRows;
    const { STORAGE } = GPUBufferUsage;
    this.#partials = gpu.buffers.create('PagedDecode.partials', splitRows * headDim * 4, STORAGE);
    this.#lse = gpu.buffers.create('PagedDecode.lse', (splitRows + maxBatch * queryHeads) * 4, STORAGE);
    this.workspaceBytes = this.#partials.size + this.#lse.size;
  }

  plan(batch: number, visibleTokens: number): SplitPlan {
    return planSplits(this.tuning, this.#config, batch, visibleTokens);
  }

  encode(pass: GPUComputePassEncoder, args: PagedDecodeArgs): void {
    if (args.batch === 0) return;
    checkArgs(this.#gpu, this.#config, this.layout, args);
    const { queryHeads, kvHeads } = this.#config;
    const { batch, tableHeads = 1, windowTokens = 0, sinkTokens = 0, contextLengths, output } = args;
    const visible =
      windowTokens > 0 ? Math.min(args.maxContextTokens, windowTokens + sinkTokens) : args.maxContextTokens;
    const { splits, tokensPerSplit } = this.plan(batch, visible);
    const direct = splits === 1;
    const totalsOffset = direct ? 0 : this.#totalsOffset;
    const { attend, merge, normalize } = this.#kernels;

    const buffers = this.#attendBuffers(args, direct ? output : this.#partials);
    for (const part of planDispatches(this.tuning, this.#config, batch, visible)) {
      const words = [
        ...[args.tableStride, tableHeads, splits, tokensPerSplit, windowTokens, sinkTokens],
        ...[args.maxContextTokens, part.firstSequence, part.firstSplit],
      ];
      this.#dispatch(pass, attend, words, buffers, [kvHeads, part.splits, part.sequences]);
    }
    if (!direct) {
      const mergeWords = [tableHeads, splits, tokensPerSplit, windowTokens, sinkTokens, totalsOffset];
      const mergeBuffers = [contextLengths, this.#partials, this.#lse, output];
      this.#dispatch(pass, merge, mergeWords, mergeBuffers, [queryHeads, batch, 1]);
    }
    if (normalize && args.scores) {
      const scoreWords = [tableHeads, windowTokens, sinkTokens, args.maxContextTokens, totalsOffset];
      const grid: Grid = [Math.ceil(args.maxContextTokens / 64), queryHeads, batch];
      this.#dispatch(pass, normalize, scoreWords, [contextLengths, this.#lse, args.scores], grid);
    }
  }

  destroy(): void {
    this.#gpu.buffers.destroy(this.#partials, this.#lse);
  }

  /** In binding order from 1 on; null where the variant declares no binding. */
  #attendBuffers(args: PagedDecodeArgs, partials: GPUBuffer): (GPUBuffer | null)[] {
    const { layout, emitScores, format } = this.#config;
    return [
      args.query,
      args.pool,
      args.contextLengths,
      partials,
      this.#lse,
      layout === 'paged' ? (args.blockTable ?? null) : null,
      emitScores ? (args.scores ?? null) : null,
      format === 'int2' ? (args.residual ?? null) : null,
      format === 'int2' ? (args.residualSlots ?? null) : null,
    ];
  }

  #dispatch(
    pass: GPUComputePassEncoder,
    pipeline: GPUComputePipeline,
    words: readonly number[],
    buffers: readonly (GPUBuffer | null)[],
    grid: Grid,
  ): void {
    const { bindings } = this.#gpu;
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings.group(pipeline, [bindings.uniform(uniformWords(words)), ...buffers]));
    pass.dispatchWorkgroups(...grid);
  }
}

type Grid = [x: number, y: number, z: number];

function variantName(config: PagedDecodeConfig, { tier, tuning }: Choice): string {
  const { lanes, loadWords, tokens, workgroup, hoist, prefetchValues, scatter } = tuning;
  return `${config.layout} ${tier} l${lanes} w${loadWords} t${tokens} wg${workgroup}${hoist ? ' hoist' : ''}${prefetchValues ? ' prefetch' : ''}${scatter ? ' scatter' : ''}`;
}
