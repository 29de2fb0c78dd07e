/**
 * Launcher of the append kernel: writes the keys and values of new tokens into the paged pool, quantizing on the way.
 * int2, whose newest tokens wait in a ring, goes to append-residual.ts. The twins are append.twin.ts and
 * append-residual.twin.ts.
 */
import { kvLayout, type KvFormat, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { createResidualAppend, type ResidualArgs } from './append-residual.ts';
import type { ShaderConstants } from '../shader.ts';
import { layoutConstants } from './layout-constants.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface AppendConfig extends KvShape {
  readonly format: KvFormat;
  /** int2 only, and needed there: newest tokens in f16. */
  readonly residualTokens?: number;
  /** Chosen by the kind of adapter when left out. */
  readonly shape?: AppendShape;
}

/** How rows are laid over lanes: 16 channels a lane, or all channels that share a scale. */
export const APPEND_SHAPES = ['sixteen', 'whole-scale'] as const;
export type AppendShape = (typeof APPEND_SHAPES)[number];

export interface AppendArgs {
  /** f32 [tokens][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly pool: GPUBuffer;
  /** i32 [tokens]: block·blockSize + offset; −1 skips the token. No slot may occur twice. Not read for int2. */
  readonly slots: GPUBuffer;
  readonly tokens: number;
  /** int2 only, and needed there: tables instead of slots, because old tokens move on too. */
  readonly residual?: ResidualArgs;
}

export interface Append {
  readonly layout: KvLayout;
  /** @throws LaunchError where a buffer is too small for `tokens`. */
  encode(pass: GPUComputePassEncoder, args: AppendArgs): void;
}

const KERNEL = 'append';

/** @throws LaunchError for int2 without `residualTokens`. */
export async function createAppend(gpu: Gpu, config: AppendConfig): Promise<Append> {
  const { format, kvHeads, headDim, shape = gpu.isFallback ? 'whole-scale' : 'sixteen' } = config;
  if (format === 'int2') return createInt2Append(gpu, config);
  const layout = kvLayout(format, config);
  const { constants, rows } = constantsOf(layout, shape);
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL, constants });
  return {
    layout,
    encode(pass, { key, value, pool, slots, tokens }) {
      if (tokens === 0) return;
      const inputBytes = tokens * kvHeads * headDim * 4;
      checkBytes(KERNEL, 'key', key, inputBytes);
      checkBytes(KERNEL, 'value', value, inputBytes);
      checkBytes(KERNEL, 'slots', slots, tokens * 4);
      checkBytes(KERNEL, 'pool', pool, layout.blockBytes);
      const groups = Math.ceil((tokens * kvHeads) / rows);
      const [x, y] = workgroupGrid(KERNEL, gpu, groups);
      const params = gpu.bindings.uniform(uniformWords([tokens]));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [params, key, value, slots, pool]));
      pass.dispatchWorkgroups(x, y, 2);
    },
  };
}

async function createInt2Append(gpu: Gpu, config: AppendConfig): Promise<Append> {
  const { residualTokens } = config;
  if (residualTokens === undefined) {
    throw new LaunchError(KERNEL, 'int2 needs residualTokens, the length of its f16 rings.');
  }
  const append = await createResidualAppend(gpu, { ...config, residualTokens });
  return {
    layout: append.layout,
    encode(pass, { residual, ...args }) {
      if (!residual)
        throw new LaunchError(KERNEL, 'int2 needs `residual`: its newest tokens go to the f16 rings.');
      append.encode(pass, { ...args, residual });
    },
  };
}

const WORD_FUNCTIONS: Partial<Record<KvFormat, { readonly word: string; readonly largestCode: number }>> = {
  int8: { word: 'int8_word', largestCode: 127 },
  'fp8-e4m3': { word: 'e4m3_word', largestCode: 448 },
  'fp8-e5m2': { word: 'e5m2_word', largestCode: 57344 },
};

function constantsOf(layout: KvLayout, shape: AppendShape): { constants: ShaderConstants; rows: number } {
  const { format, k } = layout;
  const { headDim } = layout.shape;
  const symmetric = WORD_FUNCTIONS[format];
  const scaleChannels = symmetric ? headDim : k.group;
  const laneChannels = shape === 'whole-scale' ? Math.max(16, scaleChannels) : 16;
  const lanes = headDim / laneChannels;
  const rows = Math.max(1, Math.floor(64 / lanes));
  const constants = {
    ...layoutConstants(layout),
    LANE_CHANNELS: laneChannels,
    SCALE_CHANNELS: scaleChannels,
    SYMMETRIC: symmetric !== undefined,
    WORD: symmetric?.word ?? '',
    LARGEST_CODE: symmetric?.largestCode ?? 0,
    ROWS: rows,
    THREADS: rows * lanes,
  };
  return { constants, rows };
}
