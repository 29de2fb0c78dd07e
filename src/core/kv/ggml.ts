/**
 * llama.cpp's block quantization of 32 values, byte for byte: the formats behind -ctk and -ctv. A yardstick beside the
 * pool's own formats; no kernel uses it, because 18- and 34-byte blocks would need atomics on append.
 *
 * Arithmetic in f32 as the C reference does it (ggml-quants.c@d99724f, quantize_row_*_ref): the divisor is the f32
 * scale, the stored scale its f16. Struct order: d, (m), (qh), qs; little endian; element j in the low nibble of qs[j],
 * element j+16 in the high one.
 */
import { encodeSmallFloat, F16, f16Value } from './small-float.ts';

export const GGML_TYPES = ['q8_0', 'q4_0', 'q4_1', 'q5_0', 'q5_1'] as const;
export type GgmlType = (typeof GGML_TYPES)[number];

const BLOCK = 32;
const f = Math.fround;

/** One block's bytes. @throws RangeError unless there are 32 values. */
export function quantizeGgmlBlock(type: GgmlType, x: ArrayLike<number>): Uint8Array {
  if (x.length !== BLOCK) throw new RangeError(`A ggml block has ${x.length} values; 32 are needed.`);
  const values = Float32Array.from(x);
  switch (type) {
    case 'q8_0':
      return quantizeQ8(values);
    case 'q4_0':
      return quantizeSigned(values, 4);
    case 'q5_0':
      return quantizeSigned(values, 5);
    case 'q4_1':
      return quantizeWithMin(values, 4);
    case 'q5_1':
      return quantizeWithMin(values, 5);
    default:
      return type satisfies never;
  }
}

function inverse(d: number): number {
  return d === 0 ? 0 : f(1 / d);
}

/** C's roundf: half away from zero. */
function roundAway(x: number): number {
  return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
}

function quantizeQ8(x: Float32Array): Uint8Array {
  const d = f(x.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
  const id = inverse(d);
  return Uint8Array.from([...halfBytes(d), ...Array.from(x, (value) => roundAway(f(value * id)) & 255)]);
}

/** q4_0, q5_0: the value of largest magnitude, with its sign, takes the lowest code. */
function quantizeSigned(x: Float32Array, bits: number): Uint8Array {
  const middle = 1 << (bits - 1);
  const most = x.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  const d = f(most / -middle);
  const id = inverse(d);
  const code = (value: number) => Math.min(2 * middle - 1, Math.trunc(f(f(value * id) + f(middle + 0.5))));
  return Uint8Array.from([...halfBytes(d), ...codeBytes(Array.from(x, code), bits)]);
}

/** q4_1, q5_1: scale and minimum. */
function quantizeWithMin(x: Float32Array, bits: number): Uint8Array {
  const levels = (1 << bits) - 1;
  const min = x.reduce((a, b) => Math.min(a, b), Infinity);
  const max = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const d = f(f(max - min) / levels);
  const id = inverse(d);
  const code = (value: number) => Math.min(levels, Math.trunc(f(f(f(value - min) * id) + 0.5)));
  return Uint8Array.from([...halfBytes(d), ...halfBytes(min), ...codeBytes(Array.from(x, code), bits)]);
}

function halfBytes(x: number): [number, number] {
  const bits = encodeSmallFloat(x, F16, false);
  return [bits & 255, bits >> 8];
}

/** The fifth bits (bits 5 only), then the nibbles. */
function codeBytes(codes: readonly number[], bits: number): number[] {
  const at = (j: number) => codes[j] ?? 0;
  const nibbles = Array.from({ length: 16 }, (_, j) => (at(j) & 15) | ((at(j + 16) & 15) << 4));
  if (bits === 4) return nibbles;
  const high = codes.reduce((word, code, j) => word | ((code >> 4) << j), 0);
  return [high & 255, (high >>> 8) & 255, (high >>> 16) & 255, high >>> 24, ...nibbles];
}

/** The 32 values of a block, in the f32 arithmetic of the C reference. */
export function dequantizeGgmlBlock(type: GgmlType, bytes: Uint8Array): Float32Array {
  const half = (at: number) => f16Value((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  const d = half(0);
  if (type === 'q8_0')
    return Float32Array.from({ length: BLOCK }, (_, j) => (((bytes[2 + j] ?? 0) << 24) >> 24) * d);
  const withMin = type === 'q4_1' || type === 'q5_1';
  const bits = type === 'q5_0' || type === 'q5_1' ? 5 : 4;
  const codes = readCodes(bytes, withMin ? 4 : 2, bits);
  const [middle, min] = withMin ? [0, half(2)] : [1 << (bits - 1), 0];
  return Float32Array.from(codes, (code) => f(f((code - middle) * d) + min));
}

function readCodes(bytes: Uint8Array, start: number, bits: number): number[] {
  const byte = (at: number) => bytes[at] ?? 0;
  const nibbles = start + (bits === 5 ? 4 : 0);
  return Array.from({ length: BLOCK }, (_, j) => {
    const low = j < 16 ? byte(nibbles + j) & 15 : byte(nibbles + j - 16) >> 4;
    const high = bits === 5 ? (byte(start + (j >> 3)) >> (j & 7)) & 1 : 0;
    return low | (high << 4);
  });
}
