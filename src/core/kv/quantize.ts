/**
 * Scalar quantizers of the KV formats, one group of values at a time, and the packing of codes into words.
 *
 * Symmetric: one f32 scale for a row (int8, fp8). Asymmetric: an f16 (scale, min) pair for a group (int4, int2), as
 * KIVI (arXiv:2402.02750, quant/new_pack.py): codes are clamped, then rounded half to even, against the pair as it is
 * stored. A constant group has scale 0 and codes 0, where KIVI's reference divides 0 by 0.
 */
import {
  decodeSmallFloat,
  E4M3FN,
  E5M2,
  encodeSmallFloat,
  f16Bits,
  f16Value,
  roundHalfEven,
  type SmallFloat,
} from './small-float.ts';

/** Rows whose largest magnitude is below this are stored as zeros, so that 1/scale stays a finite f32: 2^-100. */
export const SMALLEST_ABSMAX = 7.888609052210118e-31;

export interface SymmetricRow {
  /** f32. */
  readonly scale: number;
  /** int8: −127…127; fp8: the byte. */
  readonly codes: number[];
}

export interface AsymmetricGroup {
  /** Bits of the f16 scale and min. */
  readonly scaleBits: number;
  readonly minBits: number;
  readonly codes: number[];
}

function absmax(x: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i] ?? 0));
  return most;
}

function symmetricScale(x: ArrayLike<number>, largestCode: number): number {
  const most = absmax(x);
  return most < SMALLEST_ABSMAX ? 0 : Math.fround(most / largestCode);
}

/** int8 per token and head: scale = absmax/127, code = round(x/scale). */
export function quantizeInt8(x: ArrayLike<number>): SymmetricRow {
  const scale = symmetricScale(x, 127);
  const code = (value: number) => Math.max(-127, Math.min(127, roundHalfEven(value / scale)));
  return { scale, codes: Array.from(x, (value) => (scale === 0 ? 0 : code(value))) };
}

/** fp8 with one scale a row, so that the largest magnitude lands on the format's largest value. */
export function quantizeFp8(x: ArrayLike<number>, format: SmallFloat): SymmetricRow {
  const scale = symmetricScale(x, format.maxValue);
  return {
    scale,
    codes: Array.from(x, (value) => (scale === 0 ? 0 : encodeSmallFloat(value / scale, format))),
  };
}

/** The small float behind an fp8 KV format. */
export function fp8Of(format: 'fp8-e4m3' | 'fp8-e5m2'): SmallFloat {
  return format === 'fp8-e4m3' ? E4M3FN : E5M2;
}

/** A value of `quantizeFp8`. */
export function dequantizeFp8(code: number, scale: number, format: SmallFloat): number {
  return decodeSmallFloat(code, format) * scale;
}

/** Asymmetric codes of one group: scale = (max − min)/(2^bits − 1), x̂ = code·scale + min, scale and min in f16. */
export function quantizeAsymmetric(x: ArrayLike<number>, bits: number): AsymmetricGroup {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < x.length; i++) {
    min = Math.min(min, x[i] ?? 0);
    max = Math.max(max, x[i] ?? 0);
  }
  const levels = (1 << bits) - 1;
  // The range is an f32 on the GPU; rounding it here too keeps both in step.
  const scaleBits = f16Bits(Math.fround(Math.fround(max - min) / levels));
  const minBits = f16Bits(min);
  return {
    scaleBits,
    minBits,
    codes: Array.from(x, (value) => asymmetricCode(value, scaleBits, minBits, levels)),
  };
}

/** The code of one value under a stored pair. */
export function asymmetricCode(x: number, scaleBits: number, minBits: number, levels: number): number {
  const scale = f16Value(scaleBits);
  if (scale === 0) return 0;
  return roundHalfEven(Math.max(0, Math.min(levels, (x - f16Value(minBits)) / scale)));
}

export function dequantizeAsymmetric(code: number, scaleBits: number, minBits: number): number {
  return code * f16Value(scaleBits) + f16Value(minBits);
}

/** Codes of `bits` bits into u32 words, first code in the lowest bits. The count must fill whole words. */
export function packCodes(codes: ArrayLike<number>, bits: number): Uint32Array {
  const perWord = 32 / bits;
  if (codes.length % perWord !== 0) {
    throw new RangeError(
      `${codes.length} codes of ${bits} bits fill no whole words; a multiple of ${perWord} is needed.`,
    );
  }
  const words = new Uint32Array(codes.length / perWord);
  const mask = bits === 32 ? 0xffffffff : (1 << bits) - 1;
  for (let i = 0; i < codes.length; i++) {
    const word = Math.floor(i / perWord);
    words[word] = (words[word] ?? 0) | (((codes[i] ?? 0) & mask) << ((i % perWord) * bits));
  }
  return words;
}

/** Code i of packed words. */
export function unpackCode(words: ArrayLike<number>, firstWord: number, i: number, bits: number): number {
  const perWord = 32 / bits;
  const word = words[firstWord + Math.floor(i / perWord)] ?? 0;
  return (word >>> ((i % perWord) * bits)) & ((1 << bits) - 1);
}
