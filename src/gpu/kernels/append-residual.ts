/**
 * Appends to an int2 cache: the newest tokens of each sequence wait in an f16 ring, older ones are quantized into the
 * pool (KIVI; which tokens when: src/core/kv/kivi.ts). Four dispatches: quantize old keys, old values, then overwrite
 * their rows in the ring. The twin is append-residual.twin.ts.
 *
 * A fork of such a sequence copies its ring too: `createBlockCopy(gpu, { blockWords: ringWords(shape) })`.
 */
import { kvLayout, tokenGroup, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import { ringWords } from '../../core/kv/kivi.ts';
import type { Gpu } from '../context.ts';
import { layoutConstants } from './layout-constants.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface ResidualAppendConfig extends KvShape {
  /** Newest tokens in f16 (R): a multiple of `tokenGroup(blockSize)`. */
  readonly residualTokens: number;
}

/** Where the sequences of a step keep their newest tokens. */
export interface ResidualArgs {
  /** u32 [residual slots][K, V][kvHeads][residualTokens][headDim/2], f16 pairs. */
  readonly ring: GPUBuffer;
  /** u32 [batch][tableStride], the blocks of the new tokens included. */
  readonly blockTable: GPUBuffer;
  readonly tableStride: number;
  /** u32 [batch + 1]: prefix sums of the new tokens of each sequence, as the prefill takes them. */
  readonly queryStarts: GPUBuffer;
  /** u32 [batch]: tokens after the append; 0: an inactive row. */
  readonly contextLengths: GPUBuffer;
  /** u32 [batch]: which ring each sequence owns. */
  readonly residualSlots: GPUBuffer;
  readonly batch: number;
  /** Most tokens that one sequence adds in this step. */
  readonly maxNewTokens: number;
}

export interface ResidualAppendArgs {
  /** f32 [tokens][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly pool: GPUBuffer;
  readonly tokens: number;
  readonly residual: ResidualArgs;
}

export interface ResidualAppend {
  readonly layout: KvLayout;
  /** @throws LaunchError where a buffer is too small. */
  encode(pass: GPUComputePassEncoder, args: ResidualAppendArgs): void;
}

const KERNEL = 'append-residual';
const THREADS = 64;
const PARTS = ['key', 'value'] as const;

/** @throws LaunchError where the residual is no multiple of the token group. */
export async function createResidualAppend(gpu: Gpu, config: ResidualAppendConfig): Promise<ResidualAppend> {
  const { kvHeads, headDim, blockSize, residualTokens } = config;
  const layout = kvLayout('int2', config);
  const group = tokenGroup(blockSize);
  if (residualTokens < group || residualTokens % group !== 0) {
    throw new LaunchError(
      KERNEL,
      `residualTokens is ${residualTokens}; a multiple of the token group ${group} is needed.`,
    );
  }
  const pipelines = await Promise.all(
    PARTS.map((_, part) => partPipelines(gpu, layout, residualTokens, part)),
  );
  // Lanes a head has for one token group of keys, one token of values, one token of the ring.
  const flushLanes = { key: headDim / 16, value: headDim / layout.v.group };
  const ringLanes = headDim / 4;

  function check({ key, value, pool, tokens, residual }: ResidualAppendArgs): void {
    const { ring, blockTable, tableStride, queryStarts, contextLengths, residualSlots, batch } = residual;
    checkBytes(KERNEL, 'key', key, tokens * kvHeads * headDim * 4);
    checkBytes(KERNEL, 'value', value, tokens * kvHeads * headDim * 4);
    checkBytes(KERNEL, 'pool', pool, layout.blockBytes);
    checkBytes(KERNEL, 'ring', ring, ringWords(config) * 4);
    checkBytes(KERNEL, 'blockTable', blockTable, batch * tableStride * 4);
    checkBytes(KERNEL, 'queryStarts', queryStarts, (batch + 1) * 4);
    checkBytes(KERNEL, 'contextLengths', contextLengths, batch * 4);
    checkBytes(KERNEL, 'residualSlots', residualSlots, batch * 4);
  }

  function encode(pass: GPUComputePassEncoder, args: ResidualAppendArgs): void {
    check(args);
    const { pool, residual } = args;
    const { batch, maxNewTokens, tableStride } = residual;
    if (batch === 0 || maxNewTokens === 0) return;
    const params = gpu.bindings.uniform(uniformWords([batch, tableStride, maxNewTokens]));
    const sequences = [residual.queryStarts, residual.contextLengths, residual.residualSlots];
    const dispatch = (pipeline: GPUComputePipeline, buffers: GPUBuffer[], lanes: number): void => {
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil((batch * kvHeads * lanes) / THREADS));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, buffers));
      pass.dispatchWorkgroups(x, y);
    };
    const keyGroups = (Math.floor(maxNewTokens / residualTokens) + 1) * (residualTokens / group);
    PARTS.forEach((part, i) => {
      const pair = pipelines[i];
      if (!pair) return;
      const common = [params, args[part], ...sequences, residual.ring];
      const flushItems = part === 'key' ? keyGroups : maxNewTokens;
      dispatch(pair.flush, [...common, residual.blockTable, pool], flushItems * flushLanes[part]);
      dispatch(pair.store, common, Math.min(maxNewTokens, residualTokens) * ringLanes);
    });
  }
  return { layout, encode };
}

async function partPipelines(gpu: Gpu, layout: KvLayout, residualTokens: number, part: number) {
  const { k, v, shape } = layout;
  const region = part === 0 ? k : v;
  const constants = {
    ...layoutConstants(layout),
    PART: part,
    REGION_START: part === 0 ? 0 : shape.kvHeads * k.regionWords,
    REGION_WORDS: region.regionWords,
    PARAM_WORDS: region.paramWords,
    RESIDUAL_TOKENS: residualTokens,
    TOKEN_GROUP: k.group,
    CHANNEL_GROUP: v.group,
  };
  const [flush, store] = await Promise.all([
    gpu.pipelines.get({ kernel: 'residual_flush', constants }),
    gpu.pipelines.get({ kernel: 'append_residual', constants }),
  ]);
  return { flush, store };
}
