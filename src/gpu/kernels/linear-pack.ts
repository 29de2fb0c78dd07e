/**
 * Weights of a linear layer as the words of linear-config.ts, and back; on the host.
 *
 * int8: scale = absmax/127. int4: scale = −extreme/8, where `extreme` is the value of largest magnitude with its sign,
 * so that it gets the code −8 exactly and the other side 7 (the rule of GGUF's Q4_0). Both for 32 columns.
 *
 * Boundary: rows of f32 in, words out. Reading them from files is in engine/weights/, and so is the refusal of values
 * that are not finite: a half saturates at ±65504 and keeps NaN, a scale has no room for either.
 */
import { SMALLEST_ABSMAX } from '../../core/kv/quantize.ts';
import { f16Value, roundHalfEven } from '../../core/kv/small-float.ts';
import type { WeightFormat } from './linear-config.ts';

/** Columns that share a scale in int8 and int4. */
export const SCALE_COLUMNS = 32;

/** Bits of one element. */
export const WEIGHT_BITS: Readonly<Record<WeightFormat, number>> = { f32: 32, f16: 16, int8: 8, int4: 4 };

export interface PackedLinear {
  /** [rows][paddedColumns·bits/32 words], element c at bit c·bits of its row, lowest first. */
  readonly codes: Uint32Array<ArrayBuffer>;
  /** [rows][paddedColumns / 32]; null for f32 and f16. */
  readonly scales: Float32Array<ArrayBuffer> | null;
  readonly paddedColumns: number;
}

/** Columns of a row with its padding: a multiple of 32 with scales, of 4 without. */
export function paddedColumnsOf(format: WeightFormat, columns: number): number {
  const unit = format === 'int8' || format === 'int4' ? SCALE_COLUMNS : 4;
  return Math.ceil(columns / unit) * unit;
}

/** Bytes on the GPU of a matrix, scales included. */
export function linearBytes(format: WeightFormat, rows: number, columns: number): number {
  const padded = paddedColumnsOf(format, columns);
  const scaleBytes = format === 'int8' || format === 'int4' ? (rows * padded * 4) / SCALE_COLUMNS : 0;
  return (rows * padded * WEIGHT_BITS[format]) / 8 + scaleBytes;
}

/** Packs `data`, f32 [rows][columns]. A large matrix may be packed in chunks of rows: no row knows another. */
export function packLinear(
  format: WeightFormat,
  rows: number,
  columns: number,
  data: Float32Array,
): PackedLinear {
  if (data.length !== rows * columns) {
    throw new RangeError(
      `A matrix of ${rows} × ${columns} has ${rows * columns} values, not ${data.length}.`,
    );
  }
  const padded = paddedColumnsOf(format, columns);
  switch (format) {
    case 'f32':
    case 'f16':
      return { codes: packFloats(format, columns, padded, data), scales: null, paddedColumns: padded };
    case 'int8':
    case 'int4':
      return packCodes(format, columns, padded, data);
    default:
      return format satisfies never;
  }
}

/** The twin of the kernels' decoding: f32 [rows][columns]. */
export function unpackLinear(
  format: WeightFormat,
  rows: number,
  columns: number,
  packed: PackedLinear,
): Float32Array<ArrayBuffer> {
  const { codes, scales, paddedColumns } = packed;
  const out = new Float32Array(rows * columns);
  const bits = WEIGHT_BITS[format];
  const floats = new Float32Array(codes.buffer, codes.byteOffset, codes.length);
  for (let i = 0; i < out.length; i++) {
    const at = Math.floor(i / columns) * paddedColumns + (i % columns);
    const word = Math.floor((at * bits) / 32);
    if (format === 'f32') {
      out[i] = floats[word] ?? 0;
      continue;
    }
    const code = ((codes[word] ?? 0) >>> ((at * bits) % 32)) & (2 ** bits - 1);
    out[i] = scales
      ? (code - 2 ** (bits - 1)) * (scales[Math.floor(at / SCALE_COLUMNS)] ?? 0)
      : f16Value(code);
  }
  return out;
}

function packFloats(
  format: 'f32' | 'f16',
  columns: number,
  padded: number,
  data: Float32Array,
): Uint32Array<ArrayBuffer> {
  const rows = data.length / columns;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const out = format === 'f32' ? new Uint32Array(rows * padded) : new Uint16Array(rows * padded);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      const word = bits[row * columns + c] ?? 0;
      out[row * padded + c] = format === 'f32' ? word : halfOfF32(word);
    }
  }
  return new Uint32Array(out.buffer);
}

function packCodes(
  format: 'int8' | 'int4',
  columns: number,
  padded: number,
  data: Float32Array,
): PackedLinear {
  const rows = data.length / columns;
  const store = format === 'int8' ? storeByte : storeNibble;
  const zero = format === 'int8' ? 128 : 8;
  const bytes = new Uint8Array((rows * padded * WEIGHT_BITS[format]) / 8);
  bytes.fill(format === 'int8' ? 0x80 : 0x88);
  const scales = new Float32Array((rows * padded) / SCALE_COLUMNS);
  for (let row = 0; row < rows; row++) {
    for (let first = 0; first < columns; first += SCALE_COLUMNS) {
      const begin = row * columns + first;
      const end = row * columns + Math.min(first + SCALE_COLUMNS, columns);
      const scale = scaleOf(format, data, begin, end);
      const at = row * padded + first;
      scales[at / SCALE_COLUMNS] = scale;
      if (scale === 0) continue;
      for (let i = begin; i < end; i++) {
        // Adding and taking away 1.5·2^52 rounds to whole numbers, ties to even, many times faster than asking for it.
        const rounded = (data[i] ?? 0) / scale + ROUNDER - ROUNDER;
        store(bytes, at + i - begin, Math.max(-zero, Math.min(zero - 1, rounded)) + zero);
      }
    }
  }
  return { codes: new Uint32Array(bytes.buffer), scales, paddedColumns: padded };
}

const ROUNDER = 1.5 * 2 ** 52;

function storeByte(bytes: Uint8Array, at: number, code: number): void {
  bytes[at] = code;
}

/** Even places are the low nibbles. */
function storeNibble(bytes: Uint8Array, at: number, code: number): void {
  const byte = bytes[at >>> 1] ?? 0;
  bytes[at >>> 1] = at % 2 === 0 ? (byte & 0xf0) | code : (byte & 0x0f) | (code << 4);
}

/** 0 for a group of zeros and for one too small for the inverse of its scale to be finite. */
function scaleOf(format: 'int8' | 'int4', data: Float32Array, begin: number, end: number): number {
  let extreme = 0;
  for (let i = begin; i < end; i++) {
    const value = data[i] ?? 0;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  if (Math.abs(extreme) < SMALLEST_ABSMAX) return 0;
  return Math.fround(format === 'int8' ? Math.abs(extreme) / 127 : extreme / -8);
}

/** The nearest half to a float, from bits to bits; core's `f16Bits` gives the same and is slower. */
export function halfOfF32(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  // 2^-14: below it a half counts in steps of 2^-24.
  if (size < 0x38800000) return sign | subnormalSteps(size);
  const rounded = (size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13;
  return sign | Math.min(rounded, 0x7bff);
}

function subnormalSteps(size: number): number {
  const exponent = size >>> 23;
  // Below 2^-25 everything rounds to 0; 2^-25 itself is a tie, to even.
  if (exponent < 102) return 0;
  return roundHalfEven(((size & 0x7fffff) | 0x800000) / 2 ** (126 - exponent));
}
