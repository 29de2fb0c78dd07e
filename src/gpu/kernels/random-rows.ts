/** Launcher and twin of shaders/random_rows.wgsl: input that looks like keys, values and queries. */
import type { Gpu } from '../context.ts';
import { checkBytes, LaunchError } from './kernel.ts';

export interface RandomRowsArgs {
  /** f32 [rows][heads][headDim] */
  readonly out: GPUBuffer;
  readonly rows: number;
  readonly seed: number;
  /** Factor of outlier channels; 1: none. */
  readonly outlier: number;
}

export interface RandomRows {
  /** @throws LaunchError where the buffer is too small. */
  encode(pass: GPUComputePassEncoder, args: RandomRowsArgs): void;
}

const KERNEL = 'random_rows';
const THREADS = 64;

export async function createRandomRows(
  gpu: Gpu,
  shape: { heads: number; headDim: number },
): Promise<RandomRows> {
  const { heads, headDim } = shape;
  const pipeline = await gpu.pipelines.get({
    kernel: KERNEL,
    constants: { HEADS: heads, HEAD_DIM: headDim },
  });
  return {
    encode(pass, { out, rows, seed, outlier }) {
      const elements = rows * heads * headDim;
      if (elements === 0) return;
      checkBytes(KERNEL, 'out', out, elements * 4);
      const groups = Math.ceil(elements / THREADS);
      const x = Math.min(groups, 32_768);
      const y = Math.ceil(groups / x);
      if (y > gpu.limits.maxComputeWorkgroupsPerDimension) {
        throw new LaunchError(
          KERNEL,
          `${groups} workgroups are needed; the device has no room for ${y} rows of them.`,
        );
      }
      const words = Uint32Array.of(elements, seed, 0, x * THREADS);
      new Float32Array(words.buffer)[2] = outlier;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, gpu.bindings.group(pipeline, [out, gpu.bindings.uniform(words)]));
      pass.dispatchWorkgroups(x, y);
    },
  };
}

function hash(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The twin: the same rows, in the same bits. */
export function randomRowsTwin(args: {
  readonly rows: number;
  readonly heads: number;
  readonly headDim: number;
  readonly seed: number;
  readonly outlier: number;
}): Float32Array {
  const { rows, heads, headDim, seed, outlier } = args;
  return Float32Array.from({ length: rows * heads * headDim }, (_, i) => {
    const a = hash((i ^ seed) >>> 0);
    const b = hash((a + 0x9e3779b9) >>> 0);
    const sum = (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
    const normal = Math.fround((sum - 131070) * Math.fround(0.0000264289));
    const isOutlier = (hash(((i % (heads * headDim)) + 0x51ed270b) >>> 0) & 31) === 0;
    return isOutlier ? Math.fround(normal * Math.fround(outlier)) : normal;
  });
}
