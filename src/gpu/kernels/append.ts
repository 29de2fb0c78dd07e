/**
 * Launcher of the append kernel: writes the keys and values of new tokens into the paged pool in any KV format but
 * int2, whose newest tokens wait in a ring: see append-residual.ts. The twin is append.twin.ts.
 */
import { kvLayout, type KvFormat, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import type { ShaderConstants } from '../shader.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface AppendConfig extends KvShape {
  readonly format: KvFormat;
}

export interface AppendArgs {
  /** f32 [tokens][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly pool: GPUBuffer;
  /** i32 [tokens]: block·blockSize + offset; −1 skips the token. No slot may occur twice. */
  readonly slots: GPUBuffer;
  readonly tokens: number;
}

export interface Append {
  readonly layout: KvLayout;
  /** @throws LaunchError where a buffer is too small for `tokens`. */
  encode(pass: GPUComputePassEncoder, args: AppendArgs): void;
}

const KERNEL = 'append';

/** @throws LaunchError for int2. */
export async function createAppend(gpu: Gpu, config: AppendConfig): Promise<Append> {
  const { format, kvHeads, headDim } = config;
  if (format === 'int2') throw new LaunchError(KERNEL, 'int2 is appended through createResidualAppend.');
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
    D: shape.headDim,
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
