/**
 * Rows of a tensor as the words of a matrix on the GPU: checked, padded by head, converted or quantized.
 *
 * Blocks that fit are not decoded: f16 stays f16, and ggml's Q8_0 and Q4_0 have the scales and codes of int8 and int4.
 */
import { packLinear } from '../../gpu/kernels/linear-pack.ts';
import { ModelError } from '../files/error.ts';
import { halfTable } from './dtype.ts';
import { padHeads } from './heads.ts';
import type { MatrixLayout } from './layout.ts';
import type { SourceTensor } from './tensor-source.ts';

/** Words of some rows; `scales` as in linear-config.ts. */
export interface RowWords {
  readonly codes: Uint32Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer> | null;
}

/** From here on a half rounds to infinity. */
const F16_OVERFLOW = 65520;

function notFinite(tensor: SourceTensor, index: number, value: number): ModelError {
  return new ModelError(
    'values',
    `Tensor ${tensor.name} holds ${value} at element ${index}; weights must be finite: the file is damaged or its training failed.`,
    { tensor: tensor.name, index },
  );
}

/** @throws ModelError `values` for a value that is not finite, or that f16 can't hold */
export function checkValues(
  tensor: SourceTensor,
  values: Float32Array,
  first: number,
  asHalf: boolean,
): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) throw notFinite(tensor, first + i, value);
    if (asHalf && Math.abs(value) >= F16_OVERFLOW) {
      throw new ModelError(
        'values',
        `Tensor ${tensor.name} holds ${value} at element ${first + i}, beyond f16's 65504; choose f32 weights.`,
        { tensor: tensor.name, index: first + i },
      );
    }
  }
}

/** f32 [rows][sourceColumns] as words, heads padded. */
export function packRows(matrix: MatrixLayout, values: Float32Array, rows: number): RowWords {
  const padded = matrix.heads ? padHeads(values, matrix.heads) : values;
  if (matrix.paddedColumns === matrix.columns && matrix.format === 'f32') {
    const copy = padded.slice();
    return { codes: new Uint32Array(copy.buffer), scales: null };
  }
  return packLinear(matrix.format, rows, matrix.columns, padded);
}

type Direct = (tensor: SourceTensor, bytes: Uint8Array, first: number) => RowWords;

/** How stored rows become words without being decoded; null where they must be. */
export function directRows(matrix: MatrixLayout, tensor: SourceTensor): Direct | null {
  if (matrix.heads || matrix.paddedColumns !== matrix.columns) return null;
  return DIRECT[`${tensor.dtype}:${matrix.format}`] ?? null;
}

const DIRECT: Readonly<Record<string, Direct>> = {
  'F16:f16': (tensor, bytes, first) => {
    const codes = wordsOf(bytes);
    for (let i = 0; i < codes.length; i++) {
      const pair = codes[i] ?? 0;
      // An exponent of ones is infinity or NaN.
      const low = (pair & 0x7c00) === 0x7c00;
      const high = (pair & 0x7c000000) === 0x7c000000;
      if (low || high) {
        const value = halfTable()[low ? pair & 0xffff : pair >>> 16] ?? NaN;
        throw notFinite(tensor, first + 2 * i + (low ? 0 : 1), value);
      }
    }
    return { codes, scales: null };
  },
  'Q8_0:int8': (tensor, bytes, first) => {
    const blocks = bytes.byteLength / 34;
    const codes = new Uint8Array(blocks * 32);
    const scales = new Float32Array(blocks);
    for (let block = 0; block < blocks; block++) {
      scales[block] = blockScale(tensor, bytes, block * 34, first + block * 32);
      // Two's complement with its highest bit turned is the code + 128.
      for (let j = 0; j < 32; j++) codes[block * 32 + j] = (bytes[block * 34 + 2 + j] ?? 0) ^ 0x80;
    }
    return { codes: new Uint32Array(codes.buffer), scales };
  },
  'Q4_0:int4': (tensor, bytes, first) => {
    const blocks = bytes.byteLength / 18;
    const codes = new Uint8Array(blocks * 16);
    const scales = new Float32Array(blocks);
    for (let block = 0; block < blocks; block++) {
      scales[block] = blockScale(tensor, bytes, block * 18, first + block * 32);
      const pair = (j: number) => bytes[block * 18 + 2 + j] ?? 0;
      // ggml pairs element j with j + 16; here neighbours share a byte.
      for (let j = 0; j < 8; j++) {
        const [a, b] = [pair(2 * j), pair(2 * j + 1)];
        codes[block * 16 + j] = (a & 15) | ((b & 15) << 4);
        codes[block * 16 + 8 + j] = (a >> 4) | (b & 0xf0);
      }
    }
    return { codes: new Uint32Array(codes.buffer), scales };
  },
};

/** The bytes as words, without a copy where they lie right for it. */
function wordsOf(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset % 4 === 0)
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Uint32Array(bytes.slice().buffer);
}

function blockScale(tensor: SourceTensor, bytes: Uint8Array, at: number, element: number): number {
  const scale = halfTable()[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
  if (!Number.isFinite(scale)) throw notFinite(tensor, element, scale);
  return scale;
}
