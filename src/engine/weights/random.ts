/**
 * A model of any shape with random weights: for tests of every family, and for benchmarks of models too large to ship.
 *
 * Matrices are f16 rows cut from one pool of normal numbers at places that the seed and the tensor's name decide, so that
 * gigabytes of weights cost no more than copying them. Their scale is the power of two next to 1/√columns, which keeps a
 * deep stack's values near 1. The same seed gives the same weights on every machine.
 */
import { createRandom, type Random } from '../../core/random.ts';
import { f16Bits } from '../../core/kv/small-float.ts';
import { planOf } from '../architectures/index.ts';
import { matricesOf, vectorsOf, type MatrixPlan } from '../architectures/plan.ts';
import type { ModelConfig } from '../config.ts';
import { decodeValues } from './dtype.ts';
import { tensorSource, type SourceTensor, type TensorSource } from './tensor-source.ts';

/** Normal numbers of a pool. */
const POOL = 1 << 16;

/** @param seed any whole number */
export function randomModel(config: ModelConfig, seed: number): TensorSource {
  const random = createRandom(seed);
  const plan = planOf(config);
  const pools = new Map<number, Uint16Array>();
  const normals = Array.from({ length: POOL }, () => random.normal());
  const poolOf = (exponent: number) => {
    const pool = pools.get(exponent) ?? Uint16Array.from(normals, (value) => f16Bits(value * 2 ** exponent));
    pools.set(exponent, pool);
    return pool;
  };
  const tensors = new Map<string, SourceTensor>();
  for (const matrix of matricesOf(plan)) {
    for (const { tensor, rows, transposed } of matrix.parts) {
      const [name] = tensor;
      const shape = transposed ? [matrix.columns, rows] : [rows, matrix.columns];
      const pool = poolOf(exponentOf(matrix));
      if (!tensors.has(name))
        tensors.set(name, randomMatrix(name, shape, pool, random.fork(name), tensors.size));
    }
  }
  for (const vector of vectorsOf(plan)) {
    const centre = vector.name.endsWith('.bias') ? 0 : 1;
    for (const { tensor, length } of vector.parts) {
      const [name] = tensor;
      if (!tensors.has(name))
        tensors.set(name, randomVector(name, length, centre, random.fork(name), tensors.size));
    }
  }
  return tensorSource(config, tensors);
}

function exponentOf({ columns }: MatrixPlan): number {
  return -Math.round(Math.log2(columns) / 2);
}

function randomMatrix(
  name: string,
  shape: readonly [number, number] | readonly number[],
  pool: Uint16Array,
  random: Random,
  order: number,
): SourceTensor {
  const columns = shape[1] ?? 1;
  const start = random.below(POOL);
  const readWords = (from: number, to: number): Uint16Array => {
    const words = new Uint16Array((to - from) * columns);
    for (let row = from; row < to; row++) {
      // Rows begin at places that a large odd step scatters over the pool.
      let at = (start + Math.imul(row, 40503)) & (POOL - 1);
      for (let done = 0; done < columns;) {
        const count = Math.min(columns - done, POOL - at);
        words.set(pool.subarray(at, at + count), (row - from) * columns + done);
        done += count;
        at = 0;
      }
    }
    return words;
  };
  const readBytes = async (from: number, to: number) => new Uint8Array(readWords(from, to).buffer);
  return {
    name,
    shape,
    dtype: 'F16',
    order,
    readBytes,
    readRows: async (from, to) => decodeValues('F16', await readBytes(from, to), (to - from) * columns),
  };
}

/** Norm weights near 1 and shifts and biases near 0, far enough off that leaving one out shows. */
function randomVector(
  name: string,
  length: number,
  centre: number,
  random: Random,
  order: number,
): SourceTensor {
  const values = Float32Array.from({ length }, () => centre + 0.2 * random.normal());
  const readBytes = async (from: number, to: number) => new Uint8Array(values.slice(from, to).buffer);
  return {
    name,
    shape: [length],
    dtype: 'F32',
    order,
    readBytes,
    readRows: async (from, to) => values.slice(from, to),
  };
}
