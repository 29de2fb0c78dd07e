/**
 * Which buffers a model's weights become, how large each is and which tensors fill it: settled and checked before anything
 * is allocated or downloaded.
 *
 * Boundary: no GPU here but its limits. Filling the buffers is loader.ts.
 */
import type { LinearWeight, WeightFormat } from '../../gpu/kernels/linear-config.ts';
import { linearBytes, paddedColumnsOf } from '../../gpu/kernels/linear-pack.ts';
import { planOf } from '../architectures/index.ts';
import type { MatrixPlan, ModelPlan, VectorPlan } from '../architectures/plan.ts';
import { ModelError } from '../files/error.ts';
import { cacheHeadDim } from '../weights-types.ts';
import { typeBytes } from './dtype.ts';
import { findTensor, type SourceTensor, type TensorSource } from './tensor-source.ts';

/** Rows of a matrix on the GPU, from a tensor of the source. */
export interface MatrixPiece {
  readonly tensor: SourceTensor;
  readonly firstRow: number;
  readonly rows: number;
  readonly transposed: boolean;
}

/** A matrix on the GPU that is to be. */
export interface MatrixLayout {
  readonly name: string;
  readonly format: WeightFormat;
  readonly rows: number;
  /** Columns in the file. */
  readonly sourceColumns: number;
  /** Columns on the GPU: with every head padded to the cache's head dimension. */
  readonly columns: number;
  readonly paddedColumns: number;
  /** Columns of one head in the file and on the GPU; null where nothing is padded. */
  readonly heads: { readonly from: number; readonly to: number } | null;
  readonly codeBytes: number;
  readonly scaleBytes: number;
  readonly pieces: readonly MatrixPiece[];
  readonly bias: VectorLayout | null;
}

export interface VectorLayout {
  readonly name: string;
  readonly length: number;
  readonly pieces: readonly {
    readonly tensor: SourceTensor;
    readonly first: number;
    readonly length: number;
  }[];
}

export interface ModelLayout {
  readonly plan: ModelPlan;
  readonly matrices: ReadonlyMap<MatrixPlan, MatrixLayout>;
  readonly vectors: ReadonlyMap<VectorPlan, VectorLayout>;
  /** The head is the embedding's buffers. */
  readonly sharedHead: boolean;
  /** Bytes of all buffers, as the ledger will count them. */
  readonly bytes: number;
  /** Bytes that are read from the source. */
  readonly sourceBytes: number;
}

/** The embedding is gathered row by row, which the embed kernel does in f32 and f16 only. */
export function embeddingFormat(format: WeightFormat): 'f32' | 'f16' {
  return format === 'f32' ? 'f32' : 'f16';
}

/** @throws ModelError `missing` or `shape` */
export function layOut(source: TensorSource, format: WeightFormat): ModelLayout {
  const { config } = source;
  const plan = planOf(config);
  const sharedHead = config.tiedEmbeddings && embeddingFormat(format) === format && plan.head.bias === null;
  const wanted: [MatrixPlan, WeightFormat, boolean][] = [
    [plan.embedding, embeddingFormat(format), false],
    ...(plan.positions ? [[plan.positions, 'f32', true] satisfies [MatrixPlan, WeightFormat, boolean]] : []),
    ...plan.layers.flatMap(({ qkv, output, up, down }) =>
      [qkv, output, up, down].map((one): [MatrixPlan, WeightFormat, boolean] => [one, format, false]),
    ),
    ...(sharedHead ? [] : [[plan.head, format, false] satisfies [MatrixPlan, WeightFormat, boolean]]),
  ];
  checkPresent(source, plan, sharedHead);
  const matrices = new Map(
    wanted.map(([one, as, plain]) => [one, matrixLayout(source, one, as, plain)] as const),
  );
  const vectors = new Map(normVectors(plan).map((one) => [one, vectorLayout(source, one)] as const));
  return { plan, matrices, vectors, sharedHead, ...totals([...matrices.values()], [...vectors.values()]) };
}

function normVectors(plan: ModelPlan): VectorPlan[] {
  const norms = plan.layers.flatMap(({ attentionNorm, mlpNorm }) => [
    attentionNorm,
    ...(mlpNorm ? [mlpNorm] : []),
  ]);
  return [
    ...[...norms, plan.finalNorm].flatMap(({ weight, bias }) => [weight, bias]),
    ...plan.layers.flatMap(({ queryNorm, keyNorm }) => [queryNorm, keyNorm]),
  ].filter((one) => one !== null);
}

/** All that is missing is counted in one sentence, because one name alone looks like an accident. */
function checkPresent(source: TensorSource, plan: ModelPlan, sharedHead: boolean): void {
  const matrices = [
    plan.embedding,
    ...(plan.positions ? [plan.positions] : []),
    ...plan.layers.flatMap(({ qkv, output, up, down }) => [qkv, output, up, down]),
    ...(sharedHead ? [] : [plan.head]),
  ];
  const biases = matrices.flatMap(({ bias }) => (bias ? [bias] : []));
  const parts = [...matrices, ...normVectors(plan), ...biases].flatMap((one) =>
    one.parts.map(({ tensor }) => tensor),
  );
  const missing = parts.filter((names) => !names.some((name) => source.has(name))).map(([name]) => name);
  const [first] = missing;
  if (first === undefined) return;
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} more of ${parts.length}`;
  throw new ModelError(
    'missing',
    `${source.config.name} has no tensor ${first}${others}; its weights are incomplete or of another kind of model.`,
    { tensor: first, missing: missing.length },
  );
}

function matrixLayout(
  source: TensorSource,
  plan: MatrixPlan,
  format: WeightFormat,
  plain: boolean,
): MatrixLayout {
  const { config } = source;
  const { name, rows, columns: sourceColumns, headColumns } = plan;
  const padded = headColumns === null ? 0 : cacheHeadDim(config);
  const heads = headColumns === null || padded === headColumns ? null : { from: headColumns, to: padded };
  const columns = heads ? (sourceColumns / heads.from) * heads.to : sourceColumns;
  const paddedColumns = plain ? columns : paddedColumnsOf(format, columns);
  const scaled = format === 'int8' || format === 'int4';
  const scaleBytes = scaled ? (rows * paddedColumns) / 8 : 0;
  const codeBytes = plain ? rows * columns * 4 : linearBytes(format, rows, columns) - scaleBytes;
  let firstRow = 0;
  const pieces = plan.parts.map(({ tensor, rows: count, transposed }) => {
    const shape = transposed ? [sourceColumns, count] : [count, sourceColumns];
    const piece = { tensor: findTensor(source, tensor, shape), firstRow, rows: count, transposed };
    firstRow += count;
    return piece;
  });
  const bias = plan.bias ? vectorLayout(source, plan.bias) : null;
  return {
    name,
    format,
    rows,
    sourceColumns,
    columns,
    paddedColumns,
    heads,
    codeBytes,
    scaleBytes,
    pieces,
    bias,
  };
}

function vectorLayout(source: TensorSource, plan: VectorPlan): VectorLayout {
  let first = 0;
  const pieces = plan.parts.map(({ tensor, length }) => {
    const piece = { tensor: findTensor(source, tensor, [length]), first, length };
    first += length;
    return piece;
  });
  return { name: plan.name, length: plan.length, pieces };
}

/** Buffers are multiples of 16 bytes. */
function buffer(bytes: number): number {
  return bytes === 0 ? 0 : Math.max(16, Math.ceil(bytes / 16) * 16);
}

function totals(matrices: readonly MatrixLayout[], vectors: readonly VectorLayout[]) {
  const allVectors = [...vectors, ...matrices.flatMap(({ bias }) => (bias ? [bias] : []))];
  const bytes =
    matrices.reduce((sum, one) => sum + buffer(one.codeBytes) + buffer(one.scaleBytes), 0) +
    allVectors.reduce((sum, { length }) => sum + buffer(4 * length), 0);
  const tensors = [
    ...matrices.map(({ pieces }) => pieces),
    ...allVectors.map(({ pieces }) => pieces),
  ].flatMap((pieces) => pieces.map(({ tensor }) => tensor));
  const sourceBytes = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return { bytes, sourceBytes };
}

export function tensorBytes({ dtype, shape }: SourceTensor): number {
  return typeBytes(
    dtype,
    shape.reduce((product, size) => product * size, 1),
  );
}

/** Formats from the largest to the smallest. */
const SMALLER: readonly WeightFormat[] = ['f32', 'f16', 'int8', 'int4'];

/** Bytes of a model's weights on the GPU in a format, without reading any of them. @throws ModelError */
export function weightBytes(source: TensorSource, format: WeightFormat): number {
  return layOut(source, format).bytes;
}

/** @throws ModelError `too-large` with the numbers and the largest format that fits */
export function checkBudget(
  source: TensorSource,
  layout: ModelLayout,
  format: WeightFormat,
  budgetBytes: number,
): void {
  if (layout.bytes <= budgetBytes) return;
  const others = SMALLER.slice(SMALLER.indexOf(format) + 1).map(
    (other) => [other, weightBytes(source, other)] as const,
  );
  const fitting = others.find(([, bytes]) => bytes <= budgetBytes);
  const least = others.at(-1);
  const remedy = fitting
    ? `as ${fitting[0]} they need ${fitting[1]}: choose that`
    : `even as ${least?.[0] ?? format} they need ${least?.[1] ?? layout.bytes}: raise the budget or take a smaller model`;
  throw new ModelError(
    'too-large',
    `The weights of ${source.config.name} need ${layout.bytes} bytes as ${format} and the budget is ${budgetBytes}; ${remedy}.`,
    { bytes: layout.bytes, budgetBytes },
  );
}

/** @throws ModelError `too-large` where a buffer can't be bound whole, with both numbers */
export function checkLimits(source: TensorSource, layout: ModelLayout, limits: Limits): void {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  for (const matrix of layout.matrices.values()) {
    if (matrix.codeBytes <= most) continue;
    const smaller = SMALLER.slice(SMALLER.indexOf(matrix.format) + 1).find(
      (format) =>
        fixedFormat(layout, matrix) === null && linearBytes(format, matrix.rows, matrix.columns) <= most,
    );
    const remedy = smaller
      ? `choose ${smaller} weights`
      : 'no smaller format of it is run here: take a model with a smaller vocabulary or another device';
    throw new ModelError(
      'too-large',
      `The matrix ${matrix.name} of ${source.config.name} needs ${matrix.codeBytes} bytes as ${matrix.format} in one ` +
        `buffer and this device binds ${most}; ${remedy}.`,
      { bytes: matrix.codeBytes, limit: most },
    );
  }
}

export type Limits = Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize' | 'maxBufferSize'>;

/** The format that a matrix has whatever is chosen for the model; null where it follows the choice. */
function fixedFormat(layout: ModelLayout, matrix: MatrixLayout): LinearWeight['format'] | null {
  const { plan, matrices } = layout;
  if (plan.positions && matrices.get(plan.positions) === matrix) return 'f32';
  return matrices.get(plan.embedding) === matrix && matrix.format === 'f16' ? 'f16' : null;
}
