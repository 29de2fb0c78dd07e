/**
 * Reference encoding and decoding of KV rows, word for word in the layout of formats.ts. The oracle for the append and
 * dequantize kernels and the cache of the CPU tier; plain and slow.
 *
 * A row is one K or V vector of one head of one token; a slot is block·blockSize + offset. Keys of int2 are quantized
 * over a group of tokens and have no row encoder: see `encodeKeyGroup`.
 */
import type { KvLayout, RegionLayout } from './formats.ts';
import {
  dequantizeAsymmetric,
  fp8Of,
  packCodes,
  quantizeAsymmetric,
  quantizeFp8,
  quantizeInt8,
  unpackCode,
} from './quantize.ts';
import { decodeSmallFloat, f16Value, f32Bits, f32Value, packF16Pair } from './small-float.ts';

export type KvPart = 'k' | 'v';

/** First word of the region of one head's K or V in one block. */
export function regionStart(layout: KvLayout, block: number, part: KvPart, head: number): number {
  const { k, v, shape, blockWords } = layout;
  const inBlock = part === 'k' ? head * k.regionWords : shape.kvHeads * k.regionWords + head * v.regionWords;
  return block * blockWords + inBlock;
}

interface RowPlace {
  readonly region: RegionLayout;
  /** First parameter word of the region, first word of the row. */
  readonly params: number;
  readonly row: number;
  readonly offset: number;
}

function place(layout: KvLayout, part: KvPart, head: number, slot: number): RowPlace {
  const { blockSize } = layout.shape;
  const region = part === 'k' ? layout.k : layout.v;
  const offset = slot % blockSize;
  const params = regionStart(layout, Math.floor(slot / blockSize), part, head);
  return { region, params, row: params + region.paramWords + offset * region.rowWords, offset };
}

/** Writes one row (`headDim` values) at `slot`. @throws Error for keys of int2, which have no row encoding. */
export function encodeRow(
  pool: Uint32Array,
  layout: KvLayout,
  part: KvPart,
  head: number,
  slot: number,
  values: ArrayLike<number>,
): void {
  const at = place(layout, part, head, slot);
  const { format, bits } = layout;
  switch (format) {
    case 'f32':
      for (let c = 0; c < values.length; c++) pool[at.row + c] = f32Bits(values[c] ?? 0);
      return;
    case 'f16':
      for (let c = 0; c < values.length; c += 2)
        pool[at.row + c / 2] = packF16Pair(values[c] ?? 0, values[c + 1] ?? 0);
      return;
    case 'fp8-e4m3':
    case 'fp8-e5m2':
    case 'int8': {
      const { scale, codes } = format === 'int8' ? quantizeInt8(values) : quantizeFp8(values, fp8Of(format));
      pool[at.params + at.offset] = f32Bits(scale);
      pool.set(packCodes(codes, bits), at.row);
      return;
    }
    case 'int4':
    case 'int2':
      if (at.region.params === 'channel')
        throw new Error('Keys of int2 are encoded a token group at a time.');
      encodeChannelGroups(pool, at, values, bits);
      return;
    default:
      format satisfies never;
  }
}

function encodeChannelGroups(pool: Uint32Array, at: RowPlace, values: ArrayLike<number>, bits: number): void {
  const { group } = at.region;
  const groups = values.length / group;
  for (let g = 0; g < groups; g++) {
    const part = Array.from({ length: group }, (_, c) => values[g * group + c] ?? 0);
    const { scaleBits, minBits, codes } = quantizeAsymmetric(part, bits);
    pool[at.params + at.offset * groups + g] = (scaleBits | (minBits << 16)) >>> 0;
    pool.set(packCodes(codes, bits), at.row + (g * group * bits) / 32);
  }
}

/**
 * Writes the keys of one whole token group of int2.
 * @param slot The group's first slot, a multiple of the token group.
 * @param values [tokenGroup][headDim]
 */
export function encodeKeyGroup(
  pool: Uint32Array,
  layout: KvLayout,
  head: number,
  slot: number,
  values: ArrayLike<number>,
): void {
  const { headDim } = layout.shape;
  const at = place(layout, 'k', head, slot);
  const { group, rowWords } = at.region;
  const codes = new Uint8Array(group * headDim);
  for (let c = 0; c < headDim; c++) {
    const column = Array.from({ length: group }, (_, t) => values[t * headDim + c] ?? 0);
    const quantized = quantizeAsymmetric(column, layout.bits);
    pool[at.params + (at.offset / group) * headDim + c] =
      (quantized.scaleBits | (quantized.minBits << 16)) >>> 0;
    quantized.codes.forEach((code, t) => (codes[t * headDim + c] = code));
  }
  for (let t = 0; t < group; t++) {
    pool.set(packCodes(codes.subarray(t * headDim, (t + 1) * headDim), layout.bits), at.row + t * rowWords);
  }
}

/** Reads one row back as `headDim` doubles. */
export function decodeRow(
  pool: Uint32Array,
  layout: KvLayout,
  part: KvPart,
  head: number,
  slot: number,
): Float64Array {
  const at = place(layout, part, head, slot);
  const value = rowDecoder(pool, layout, at);
  return Float64Array.from({ length: layout.shape.headDim }, (_, c) => value(c));
}

function rowDecoder(pool: Uint32Array, layout: KvLayout, at: RowPlace): (channel: number) => number {
  const { format, bits } = layout;
  const scale = f32Value(pool[at.params + at.offset] ?? 0);
  switch (format) {
    case 'f32':
      return (c) => f32Value(pool[at.row + c] ?? 0);
    case 'f16':
      return (c) => f16Value(unpackCode(pool, at.row, c, 16));
    case 'fp8-e4m3':
    case 'fp8-e5m2':
      return (c) => decodeSmallFloat(unpackCode(pool, at.row, c, 8), fp8Of(format)) * scale;
    case 'int8':
      return (c) => ((unpackCode(pool, at.row, c, 8) << 24) >> 24) * scale;
    case 'int4':
    case 'int2':
      return (c) => {
        const pair = pool[pairWord(layout, at, c)] ?? 0;
        return dequantizeAsymmetric(unpackCode(pool, at.row, c, bits), pair & 0xffff, pair >>> 16);
      };
    default:
      return format satisfies never;
  }
}

/** Word of the (scale, min) pair of one channel of one row. */
function pairWord(layout: KvLayout, at: RowPlace, channel: number): number {
  const { headDim } = layout.shape;
  const { params, group } = at.region;
  if (params === 'channel') return at.params + Math.floor(at.offset / group) * headDim + channel;
  return at.params + at.offset * (headDim / group) + Math.floor(channel / group);
}
