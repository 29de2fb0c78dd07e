/**
 * Launcher of the append kernel: writes the keys and values of new tokens into the paged pool, quantizing on the way.
 * int2, whose newest tokens wait in a ring, goes to append-residual.ts. The twins are append.twin.ts and
 * append-residual.twin.ts.
 */
import { kvLayout, type KvFormat, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import { createResidualAppend, type ResidualArgs } from './append-residual.ts';
import type { ShaderConstants } from '../shader.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface AppendConfig extends KvShape {
  readonly format: KvFormat;
  /** int2 only, and needed there: newest tokens in f16. */
  readonly residualTokens?: number;
}

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
  const { format, kvHeads, headDim } = config;
  if (format === 'int2') return createInt2Append(gpu, config);
  const layout = kvLayout(format, config);
  const lanes = headDim / 16;
  const rowsPerGroup = Math.max(1, Math.floor(64 / lanes));
  const pipeline = await gpu.pipelines.get({ kernel: KERNEL, constants: constantsOf(layout, rowsPerGroup) });
  return {
    layout,
    encode(pass, { key, value, pool, slots, tokens }) {
      if (tokens === 0) return;
      const inputBytes = tokens * kvHeads * headDim * 4;
      checkBytes(KERNEL, 'key', key, inputBytes);
      checkBytes(KERNEL, 'value', value, inputBytes);
      checkBytes(KERNEL, 'slots', slots, tokens * 4);
      checkBytes(KERNEL, 'pool', pool, layout.blockBytes);
      const groups = Math.ceil((tokens * 2 * kvHeads) / rowsPerGroup);
      const [x, y] = workgroupGrid(KERNEL, gpu, groups);
      const params = gpu.bindings.uniform(uniformWords([tokens]));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [params, key, value, slots, pool]));
      pass.dispatchWorkgroups(x, y);
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

function constantsOf(layout: KvLayout, rows: number): ShaderConstants {
  const { format, shape, k } = layout;
  const lanes = shape.headDim / 16;
  const symmetric = WORD_FUNCTIONS[format];
  return {
    FORMAT: format,
    HEAD_DIM: shape.headDim,
    KV_HEADS: shape.kvHeads,
    BLOCK_SIZE: shape.blockSize,
    BLOCK_WORDS: layout.blockWords,
    REGION_WORDS: k.regionWords,
    PARAM_WORDS: k.paramWords,
    ROW_WORDS: k.rowWords,
    SHARED_LANES: symmetric ? lanes : format === 'int4' ? k.group / 16 : 1,
    QUANTIZED: k.params !== 'none',
    SYMMETRIC: symmetric !== undefined,
    WORD: symmetric?.word ?? '',
    LARGEST_CODE: symmetric?.largestCode ?? 0,
    ROWS: rows,
    THREADS: rows * lanes,
  };
}
