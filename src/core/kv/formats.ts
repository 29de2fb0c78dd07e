/**
 * KV formats and the word-exact layout of one pool block.
 *
 * Boundary: this file says where each word lies and how many bytes a format costs. Encoding and decoding of values
 * live beside it in `encode.ts`; the kernels follow the same numbers through `layoutConstants` (src/gpu/kernels).
 *
 * One pool buffer holds one layer. Seen as `array<u32>`:
 *
 *   block b          at  b * blockWords
 *     K of head h    at  + h * k.regionWords
 *     V of head h    at  + kvHeads * k.regionWords + h * v.regionWords
 *       parameters   at  + 0                          (paramWords, a multiple of 4)
 *       row of slot s at + paramWords + s * rowWords
 *
 * Every row is a whole number of u32 words, so that an append writes words and never needs an atomic, and so that
 * f16 storage works without the `shader-f16` feature. Elements are packed lowest bits first.
 */

export const KV_FORMATS = ['f32', 'f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4', 'int2'] as const;
export type KvFormat = (typeof KV_FORMATS)[number];

export interface KvShape {
  readonly kvHeads: number;
  /** Elements of one K or V vector of one head. */
  readonly headDim: number;
  /** Token slots in one block. */
  readonly blockSize: number;
}

/**
 * What the parameter words of a region hold:
 *  - `none`
 *  - `row`:         f32 scale of each slot, at [slot]; x̂ = code·scale (int8: absmax/127, fp8: absmax/448 or absmax/57344)
 *  - `row-group`:   f16 pair (scale, min) of each channel group of each slot, at [slot * groups + group]; x̂ = code·scale + min
 *  - `channel`:     f16 pair (scale, min) of each channel of each token group, at [tokenGroup * headDim + channel]
 */
export type ParamKind = 'none' | 'row' | 'row-group' | 'channel';

export interface RegionLayout {
  readonly params: ParamKind;
  /** Channels that share a pair (`row-group`), or slots that share a pair (`channel`); 0 otherwise. */
  readonly group: number;
  readonly paramWords: number;
  readonly rowWords: number;
  readonly regionWords: number;
}

export interface KvLayout {
  readonly format: KvFormat;
  readonly shape: KvShape;
  /** Bits of one stored element, without parameters. */
  readonly bits: number;
  readonly k: RegionLayout;
  readonly v: RegionLayout;
  readonly blockWords: number;
  readonly blockBytes: number;
}

const BITS: Record<KvFormat, number> = {
  f32: 32,
  f16: 16,
  'fp8-e4m3': 8,
  'fp8-e5m2': 8,
  int8: 8,
  int4: 4,
  int2: 2,
};

/** Channels that share one (scale, min) pair: 32 as KIVI and ggml, 16 where 32 does not divide the head dimension. */
export function channelGroup(headDim: number): number {
  return headDim % 32 === 0 ? 32 : 16;
}

/** Slots of one block that share a per-channel (scale, min) pair: 32 as KIVI, or the whole of a smaller block. */
export function tokenGroup(blockSize: number): number {
  return Math.min(32, blockSize);
}

function paramKinds(format: KvFormat): { k: ParamKind; v: ParamKind } {
  switch (format) {
    case 'f32':
    case 'f16':
      return { k: 'none', v: 'none' };
    case 'fp8-e4m3':
    case 'fp8-e5m2':
    case 'int8':
      return { k: 'row', v: 'row' };
    case 'int4':
      return { k: 'row-group', v: 'row-group' };
    case 'int2':
      return { k: 'channel', v: 'row-group' };
    default:
      return format satisfies never;
  }
}

const PARAM_WORDS: Record<ParamKind, (shape: KvShape) => number> = {
  none: () => 0,
  row: ({ blockSize }) => blockSize,
  'row-group': ({ blockSize, headDim }) => blockSize * (headDim / channelGroup(headDim)),
  channel: ({ blockSize, headDim }) => (blockSize / tokenGroup(blockSize)) * headDim,
};

function region(kind: ParamKind, bits: number, shape: KvShape): RegionLayout {
  const rowWords = (shape.headDim * bits) / 32;
  const paramWords = Math.ceil(PARAM_WORDS[kind](shape) / 4) * 4;
  const group =
    kind === 'row-group' ? channelGroup(shape.headDim) : kind === 'channel' ? tokenGroup(shape.blockSize) : 0;
  return { params: kind, group, paramWords, rowWords, regionWords: paramWords + shape.blockSize * rowWords };
}

/**
 * Layout of one block of one layer.
 * @throws RangeError where the head dimension is no multiple of 16 or the block size is no multiple of 8 (of 32 above 32).
 */
export function kvLayout(format: KvFormat, shape: KvShape): KvLayout {
  const { kvHeads, headDim, blockSize } = shape;
  if (headDim % 16 !== 0 || headDim <= 0)
    throw new RangeError(`headDim is ${headDim}; a multiple of 16 is needed.`);
  if (blockSize % 8 !== 0 || blockSize <= 0 || (blockSize > 32 && blockSize % 32 !== 0)) {
    throw new RangeError(`blockSize is ${blockSize}; 8, 16, 24, 32 or a larger multiple of 32 is needed.`);
  }
  const bits = BITS[format];
  const kinds = paramKinds(format);
  const k = region(kinds.k, bits, shape);
  const v = region(kinds.v, bits, shape);
  const blockWords = kvHeads * (k.regionWords + v.regionWords);
  return { format, shape, bits, k, v, blockWords, blockBytes: blockWords * 4 };
}

/** Bytes that one token holds in one layer, its share of the block's parameters included. */
export function kvBytesPerTokenPerLayer(format: KvFormat, shape: KvShape): number {
  return kvLayout(format, shape).blockBytes / shape.blockSize;
}
