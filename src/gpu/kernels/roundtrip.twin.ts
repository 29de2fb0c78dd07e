/** Twin of the round-trip kernel: the same values from doubles, through the reference quantizers. */
import { hadamard } from '../../core/kv/rotation.ts';
import { E4M3FN, E5M2, roundToF16 } from '../../core/kv/small-float.ts';
import {
  dequantizeAsymmetric,
  dequantizeFp8,
  quantizeAsymmetric,
  quantizeFp8,
  quantizeInt8,
} from '../../core/kv/quantize.ts';
import { hadamardBlock, tokenAxisGroup, type RoundtripConfig, type Rounding } from './roundtrip-config.ts';

/** Values that share a scale, rounded and back. */
export function roundGroup(x: readonly number[], rounding: Rounding): number[] {
  switch (rounding.kind) {
    case 'f16':
      return x.map(roundToF16);
    case 'int8': {
      const { scale, codes } = quantizeInt8(x);
      return codes.map((code) => code * scale);
    }
    case 'e4m3':
    case 'e5m2': {
      const format = rounding.kind === 'e4m3' ? E4M3FN : E5M2;
      const { scale, codes } = quantizeFp8(x, format);
      return codes.map((code) => dequantizeFp8(code, scale, format));
    }
    case 'asymmetric': {
      const { scaleBits, minBits, codes } = quantizeAsymmetric(x, rounding.bits);
      return codes.map((code) => dequantizeAsymmetric(code, scaleBits, minBits));
    }
    default:
      return rounding satisfies never;
  }
}

/** Hadamard in blocks, as the kernel turns a head. */
export function turned(x: readonly number[], block: number): number[] {
  const blocks = Array.from({ length: x.length / block }, (_, b) => x.slice(b * block, (b + 1) * block));
  return blocks.flatMap((part) => [...hadamard(part)]);
}

/**
 * Rounds `rows` (f32 [rows][heads][headDim]) in place.
 * @param list token axis: rows to round; channel axis: pairs of first row and rows, one a group
 */
export function roundtripTwin(
  rows: Float64Array | Float32Array,
  config: RoundtripConfig,
  list: readonly number[],
): void {
  const { heads, headDim, axis, rotated = false, outlier } = config;
  const width = heads * headDim;
  const count = rows.length / width;
  const gain = (factor: number): void => {
    if (!outlier) return;
    for (let head = 0; head < count * heads; head++) {
      const at = head * headDim + outlier.channel;
      rows[at] = (rows[at] ?? 0) * factor;
    }
  };
  const turn = (): void => {
    if (!rotated) return;
    for (let head = 0; head < count * heads; head++) {
      rows.set(
        turned([...rows.subarray(head * headDim, (head + 1) * headDim)], hadamardBlock(headDim)),
        head * headDim,
      );
    }
  };
  gain(outlier?.gain ?? 1);
  turn();
  if (axis === 'token') roundTokens(rows, config, list);
  else roundChannels(rows, config, list);
  turn();
  gain(1 / (outlier?.gain ?? 1));
}

function roundTokens(
  rows: Float64Array | Float32Array,
  { heads, headDim, rounding }: RoundtripConfig,
  list: readonly number[],
): void {
  const group = tokenAxisGroup(rounding, headDim);
  for (const row of list) {
    for (let at = row * heads * headDim; at < (row + 1) * heads * headDim; at += group) {
      rows.set(roundGroup([...rows.subarray(at, at + group)], rounding), at);
    }
  }
}

function roundChannels(
  rows: Float64Array | Float32Array,
  { heads, headDim, rounding }: RoundtripConfig,
  list: readonly number[],
): void {
  const width = heads * headDim;
  for (let item = 0; item < list.length; item += 2) {
    const [first = 0, count = 0] = [list[item], list[item + 1]];
    for (let channel = 0; channel < width; channel++) {
      const places = Array.from({ length: count }, (_, i) => (first + i) * width + channel);
      const rounded = roundGroup(
        places.map((at) => rows[at] ?? 0),
        rounding,
      );
      places.forEach((at, i) => (rows[at] = rounded[i] ?? 0));
    }
  }
}
