/**
 * All weights of a model in host memory, as f32: for the reference pass, for training-sized models and for tests.
 *
 * Boundary: the whole model at once. What streams a model of any size to the GPU is loader.ts.
 */
import { planOf } from '../architectures/index.ts';
import type { MatrixPlan, NormPlan, VectorPlan } from '../architectures/plan.ts';
import { packLinear, unpackLinear } from '../../gpu/kernels/linear-pack.ts';
import type { WeightFormat } from '../../gpu/kernels/linear-config.ts';
import { cacheHeadDim } from '../weights-types.ts';
import { cutHeads, padHeads } from './heads.ts';
import { findTensor, type TensorSource } from './tensor-source.ts';

/** f32 [rows = outputs][columns = inputs] */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
  readonly bias: Float32Array | null;
}

export interface HostNorm {
  readonly weight: Float32Array;
  readonly bias: Float32Array | null;
}

/** As LayerWeights of weights-types.ts, without padding. */
export interface HostLayer {
  readonly attentionNorm: HostNorm;
  readonly qkv: HostMatrix;
  readonly queryNorm: Float32Array | null;
  readonly keyNorm: Float32Array | null;
  readonly output: HostMatrix;
  readonly mlpNorm: HostNorm | null;
  readonly up: HostMatrix;
  readonly down: HostMatrix;
}

export interface HostWeights {
  readonly embedding: HostMatrix;
  readonly positions: HostMatrix | null;
  readonly layers: readonly HostLayer[];
  readonly finalNorm: HostNorm;
  readonly head: HostMatrix;
}

/**
 * Reads a whole model.
 * @param format what the matrices are rounded to on the way, as the GPU's are; the embedding is f16 at the least
 * @throws ModelError
 */
export async function readHostWeights(
  source: TensorSource,
  format: WeightFormat = 'f32',
): Promise<HostWeights> {
  const plan = planOf(source.config);
  const coded = (matrix: MatrixPlan) => readMatrix(source, matrix, format);
  const vector = (one: VectorPlan | null) => (one ? readVector(source, one) : null);
  const norm = async ({ weight, bias }: NormPlan): Promise<HostNorm> => ({
    weight: await readVector(source, weight),
    bias: await vector(bias),
  });
  const layers: HostLayer[] = [];
  for (const layer of plan.layers) {
    layers.push({
      attentionNorm: await norm(layer.attentionNorm),
      qkv: await coded(layer.qkv),
      queryNorm: await vector(layer.queryNorm),
      keyNorm: await vector(layer.keyNorm),
      output: await coded(layer.output),
      mlpNorm: layer.mlpNorm ? await norm(layer.mlpNorm) : null,
      up: await coded(layer.up),
      down: await coded(layer.down),
    });
  }
  return {
    embedding: await readMatrix(source, plan.embedding, format === 'f32' ? 'f32' : 'f16'),
    positions: plan.positions ? await readMatrix(source, plan.positions, 'f32') : null,
    layers,
    finalNorm: await norm(plan.finalNorm),
    head: await coded(plan.head),
  };
}

/** The parts of a vector, one after another. */
export async function readVector(source: TensorSource, plan: VectorPlan): Promise<Float32Array> {
  const data = new Float32Array(plan.length);
  let at = 0;
  for (const { tensor, length } of plan.parts) {
    data.set(await findTensor(source, tensor, [length]).readRows(0, length), at);
    at += length;
  }
  return data;
}

async function readMatrix(source: TensorSource, plan: MatrixPlan, format: WeightFormat): Promise<HostMatrix> {
  const { rows, columns } = plan;
  const data = new Float32Array(rows * columns);
  let row = 0;
  for (const { tensor, rows: count, transposed } of plan.parts) {
    const shape = transposed ? [columns, count] : [count, columns];
    const values = await findTensor(source, tensor, shape).readRows(0, shape[0] ?? 0);
    data.set(transposed ? transpose(values, columns, count) : values, row * columns);
    row += count;
  }
  const bias = plan.bias ? await readVector(source, plan.bias) : null;
  return { rows, columns, data: format === 'f32' ? data : rounded(source, plan, format, data), bias };
}

/** The values that are left of a matrix on the GPU; padded heads share scales with their padding. */
function rounded(
  { config }: TensorSource,
  { rows, columns, headColumns }: MatrixPlan,
  format: WeightFormat,
  data: Float32Array,
): Float32Array {
  const from = headColumns ?? columns;
  const to = headColumns === null ? columns : cacheHeadDim(config);
  const width = (columns / from) * to;
  const packed = packLinear(format, rows, width, padHeads(data, { from, to }));
  return cutHeads(unpackLinear(format, rows, width, packed), { from, to });
}

/** [rows][columns] as [columns][rows]. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c] ?? 0;
  }
  return out;
}
