/**
 * A model's configuration and tensors, whatever file they come from; names are those that Hugging Face gives them.
 *
 * Boundary: reads rows of a tensor as f32, or as they lie in the file. Which tensor is which part of a layer is in
 * architectures/; what becomes of them on the GPU in loader.ts.
 */
import type { ModelConfig } from '../config.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { ModelError } from '../files/error.ts';
import { decodeValues, typeBytes, type TensorType } from './dtype.ts';

export interface SourceTensor {
  readonly name: string;
  /** Outermost first; a matrix is [rows][columns]. */
  readonly shape: readonly number[];
  readonly dtype: TensorType;
  /** Tensors read in ascending order are read from front to back. */
  readonly order: number;
  /** Why its elements can't be read: it is of a type that is not read here, which matters only where it is needed. */
  readonly refusal?: ModelError;
  /** f32 [to − from][columns]; a vector is rows of one column. */
  readRows(from: number, to: number, signal?: AbortSignal): Promise<Float32Array>;
  /** The same rows as `dtype` stores them. */
  readBytes(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface TensorSource {
  readonly config: ModelConfig;
  names(): readonly string[];
  has(name: string): boolean;
  /** @throws ModelError `missing` */
  tensor(name: string): SourceTensor;
}

/** A tensor that may be there as long as nobody needs it, such as GPT-2's mask of booleans. */
export function unreadableTensor(
  name: string,
  shape: readonly number[],
  order: number,
  refusal: ModelError,
): SourceTensor {
  const refuse = () => Promise.reject(refusal);
  return { name, shape, dtype: 'F32', order, refusal, readRows: refuse, readBytes: refuse };
}

/** Where a tensor lies in a file. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: TensorType;
  readonly file: ByteSource;
  /** First byte in the file. */
  readonly offset: number;
  readonly order: number;
}

/** Values of one row. */
export function rowValues(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

/** A tensor that lies in one piece in a file. */
export function fileTensor(place: TensorPlace): SourceTensor {
  const { name, shape, dtype, file, offset, order } = place;
  const columns = rowValues(shape);
  const rowBytes = typeBytes(dtype, columns);
  const readBytes = (from: number, to: number, signal?: AbortSignal) =>
    file.read(offset + from * rowBytes, (to - from) * rowBytes, signal);
  return {
    name,
    shape,
    dtype,
    order,
    readBytes,
    readRows: async (from, to, signal) =>
      decodeValues(dtype, await readBytes(from, to, signal), (to - from) * columns),
  };
}

/**
 * The tensor under the first of several names that the source has, of the shape that the model needs.
 * @throws ModelError `missing`, `shape` or `unsupported`
 */
export function findTensor(
  source: TensorSource,
  names: readonly [string, ...string[]],
  shape: readonly number[],
): SourceTensor {
  const tensor = source.tensor(names.find((name) => source.has(name)) ?? names[0]);
  if (tensor.refusal) throw tensor.refusal;
  if (tensor.shape.length === shape.length && shape.every((size, i) => size === tensor.shape[i]))
    return tensor;
  throw new ModelError(
    'shape',
    `Tensor ${tensor.name} of ${source.config.name} is [${tensor.shape.join(', ')}], but its configuration makes it ` +
      `[${shape.join(', ')}]; weights and configuration are of different models, so take both from one folder.`,
    { tensor: tensor.name },
  );
}

/** A source over tensors by name. */
export function tensorSource(config: ModelConfig, tensors: ReadonlyMap<string, SourceTensor>): TensorSource {
  return {
    config,
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    tensor: (name) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new ModelError('missing', `${config.name} has no tensor ${name}.`, { tensor: name });
      return tensor;
    },
  };
}
