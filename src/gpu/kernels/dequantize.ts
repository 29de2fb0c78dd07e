/** Launcher of the dequantize kernel: tokens of the pool (and of int2's rings) back as f32 rows. */
import { kvLayout, type KvFormat, type KvLayout, type KvShape } from '../../core/kv/formats.ts';
import { ringWords } from '../../core/kv/kivi.ts';
import type { Gpu } from '../context.ts';
import { layoutConstants } from './layout-constants.ts';
import { checkBytes, LaunchError, uniformWords, workgroupGrid } from './kernel.ts';

export interface DequantizeConfig extends KvShape {
  readonly format: KvFormat;
  /** int2 only. */
  readonly residualTokens?: number;
}

/** int2: where the tokens are that are not quantized yet. */
export interface RingSource {
  readonly ring: GPUBuffer;
  /** i32 [tokens][K, V]: residual slot · R + (position mod R), or −1: take the token from its slot. */
  readonly rows: GPUBuffer;
}

export interface DequantizeArgs {
  readonly pool: GPUBuffer;
  /** i32 [tokens]; −1 leaves the token's output as it is. */
  readonly slots: GPUBuffer;
  readonly tokens: number;
  /** f32 [tokens][kvHeads][headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  readonly residual?: RingSource;
}

export interface Dequantize {
  readonly layout: KvLayout;
  /** @throws LaunchError where a buffer is too small, or for int2 without `residual`. */
  encode(pass: GPUComputePassEncoder, args: DequantizeArgs): void;
}

const KERNEL = 'dequantize';
const THREADS = 64;

export async function createDequantize(gpu: Gpu, config: DequantizeConfig): Promise<Dequantize> {
  const { format, kvHeads, headDim, residualTokens = 0 } = config;
  if (format === 'int2' && residualTokens === 0) {
    throw new LaunchError(KERNEL, 'int2 needs residualTokens, the length of its f16 rings.');
  }
  const layout = kvLayout(format, config);
  const pipeline = await gpu.pipelines.get({
    kernel: KERNEL,
    constants: {
      ...layoutConstants(layout),
      CHANNEL_GROUP: layout.v.group,
      TOKEN_GROUP: layout.k.group,
      RESIDUAL_TOKENS: residualTokens,
    },
  });
  return {
    layout,
    encode(pass, { pool, slots, tokens, key, value, residual }) {
      if (tokens === 0) return;
      checkBytes(KERNEL, 'key', key, tokens * kvHeads * headDim * 4);
      checkBytes(KERNEL, 'value', value, tokens * kvHeads * headDim * 4);
      checkBytes(KERNEL, 'slots', slots, tokens * 4);
      checkBytes(KERNEL, 'pool', pool, layout.blockBytes);
      const rings =
        format === 'int2' ? ringBuffers(residual, { kvHeads, headDim, residualTokens }, tokens) : [];
      const lanes = (tokens * 2 * kvHeads * headDim) / 4;
      const [x, y] = workgroupGrid(KERNEL, gpu, Math.ceil(lanes / THREADS));
      const params = gpu.bindings.uniform(uniformWords([tokens]));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [params, pool, slots, key, value, ...rings]));
      pass.dispatchWorkgroups(x, y);
    },
  };
}

function ringBuffers(
  residual: RingSource | undefined,
  shape: { kvHeads: number; headDim: number; residualTokens: number },
  tokens: number,
): GPUBuffer[] {
  if (!residual)
    throw new LaunchError(KERNEL, 'int2 needs `residual`: its newest tokens are in the f16 rings.');
  checkBytes(KERNEL, 'residual.ring', residual.ring, ringWords(shape) * 4);
  checkBytes(KERNEL, 'residual.rows', residual.rows, tokens * 8);
  return [residual.ring, residual.rows];
}
