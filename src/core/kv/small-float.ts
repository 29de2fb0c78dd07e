/**
 * Small floating-point codes: f16, fp8 e4m3fn and fp8 e5m2, and the bits of an f32.
 *
 * Every encoder rounds to nearest, ties to even, from the double it is given (never twice). `saturate` limits finite
 * values to the largest finite code; without it f16 overflows to infinity as IEEE says.
 * Sources: IEEE 754-2019 binary16; OCP 8-bit floating point specification 1.0 (e4m3fn: max 448, no infinity;
 * e5m2: max 57344).
 */
import { scaleByPowerOfTwo } from '../math.ts';

export interface SmallFloat {
  readonly name: 'f16' | 'e4m3fn' | 'e5m2';
  readonly bits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /** Largest finite code, without sign. */
  readonly maxCode: number;
  readonly maxValue: number;
  readonly infinityCode: number | null;
  readonly nanCode: number;
}

export const F16: SmallFloat = {
  name: 'f16',
  bits: 16,
  mantissaBits: 10,
  bias: 15,
  maxCode: 0x7bff,
  maxValue: 65504,
  infinityCode: 0x7c00,
  nanCode: 0x7e00,
};

export const E4M3FN: SmallFloat = {
  name: 'e4m3fn',
  bits: 8,
  mantissaBits: 3,
  bias: 7,
  maxCode: 0x7e,
  maxValue: 448,
  infinityCode: null,
  nanCode: 0x7f,
};

export const E5M2: SmallFloat = {
  name: 'e5m2',
  bits: 8,
  mantissaBits: 2,
  bias: 15,
  maxCode: 0x7b,
  maxValue: 57344,
  infinityCode: 0x7c,
  nanCode: 0x7e,
};

const view = new DataView(new ArrayBuffer(8));

/** floor(log2(x)) of a positive double; −1023 for subnormal ones, which every format here flushes to 0. */
function exponentOf(x: number): number {
  view.setFloat64(0, x);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
}

/** Nearest whole number, ties to even: WGSL's `round`, KIVI's and numpy's `rint`. Exact for |x| < 2^52. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The code of x, sign included. */
export function encodeSmallFloat(x: number, format: SmallFloat, saturate = true): number {
  if (Number.isNaN(x)) return format.nanCode;
  const sign = x < 0 || Object.is(x, -0) ? 1 << (format.bits - 1) : 0;
  const size = Math.abs(x);
  const overflow = saturate ? format.maxCode : (format.infinityCode ?? format.nanCode);
  if (size === Infinity) return sign | overflow;
  // The exponent field starts at 1 for normal numbers; below, the quantum stays that of the smallest normal.
  const exponent = Math.max(1 - format.bias, exponentOf(size));
  const steps = roundHalfEven(scaleByPowerOfTwo(size, format.mantissaBits - exponent));
  // `steps` carries the implicit bit, so a carry moves into the exponent field by itself.
  const code = ((exponent + format.bias - 1) << format.mantissaBits) + steps;
  return sign | (code > format.maxCode ? overflow : code);
}

/** The value of a code, exactly. */
export function decodeSmallFloat(code: number, format: SmallFloat): number {
  const magnitude = code & ((1 << (format.bits - 1)) - 1);
  const sign = code >> (format.bits - 1) ? -1 : 1;
  if (magnitude > format.maxCode) return magnitude === format.infinityCode ? sign * Infinity : NaN;
  const field = magnitude >> format.mantissaBits;
  const fraction = magnitude & ((1 << format.mantissaBits) - 1);
  const steps = field === 0 ? fraction : fraction + (1 << format.mantissaBits);
  return sign * scaleByPowerOfTwo(steps, Math.max(1, field) - format.bias - format.mantissaBits);
}

/** The 16 bits of x as a half; finite values beyond ±65504 become ±65504, because one infinity spoils a softmax. */
export function f16Bits(x: number): number {
  return encodeSmallFloat(x, F16);
}

/** The value of a half's bits; by way of f32, which is fast enough for a cache on the CPU. */
export function f16Value(bits: number): number {
  const magnitude = bits & 0x7fff;
  // Normal halves become f32 bits by shifting and adding 127 − 15 to the exponent; the others have their own rules.
  if (magnitude < 0x400 || magnitude >= 0x7c00) return decodeSmallFloat(bits, F16);
  return f32Value((((bits & 0x8000) << 16) | ((magnitude << 13) + 0x38000000)) >>> 0);
}

/** x as the nearest half stores it. */
export function roundToF16(x: number): number {
  return f16Value(f16Bits(x));
}

/** The 32 bits of x rounded to f32. */
export function f32Bits(x: number): number {
  view.setFloat32(0, x);
  return view.getUint32(0);
}

export function f32Value(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Two halves in one word, the first in the low bits: WGSL's `pack2x16float` with the rounding pinned. */
export function packF16Pair(low: number, high: number): number {
  return (f16Bits(low) | (f16Bits(high) << 16)) >>> 0;
}
