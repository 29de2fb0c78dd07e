/**
 * KV of one sequence as plain words, the way it leaves one engine and enters another, and its conversion between KV
 * formats and block sizes.
 *
 * Boundary: words in host memory. Reading them off a GPU is src/engine/transfer's, moving them is the protocol's.
 *
 * What stays exact: the same format keeps every word, whatever the block sizes, because parameters of all formats but
 * int2 belong to one token's row. int2 groups keys over min(32, blockSize) tokens; where that or the ring differs, and
 * between formats, values are decoded and encoded again (one rounding, never two).
 */
import { decodeRow, encodeKeyGroup, encodeRow, regionStart, type KvPart } from '../kv/encode.ts';
import { kvLayout, tokenGroup, type KvFormat, type KvLayout } from '../kv/formats.ts';
import { residualTokens, ringRow, ringWords } from '../kv/kivi.ts';
import { f16Value, packF16Pair } from '../kv/small-float.ts';

/** Where each word of a sequence's KV lies. */
export interface KvShapeOf {
  readonly format: KvFormat;
  readonly layers: number;
  readonly kvHeads: number;
  /** Of the cache: padded to a multiple of 16. */
  readonly headDim: number;
  readonly blockSize: number;
  /** int2: tokens of the f16 ring; 0 for every other format. */
  readonly residualTokens: number;
}

export interface SequenceKv {
  /** Tokens that are stored. */
  readonly tokens: number;
  /** ceil(tokens / blockSize) blocks, u32 [layers][blockWords] each. */
  readonly blocks: readonly Uint32Array[];
  /** int2: u32 [layers][ringWords], the newest tokens in f16; null for every other format. */
  readonly ring: Uint32Array | null;
}

export function layoutOf({ format, kvHeads, headDim, blockSize }: KvShapeOf): KvLayout {
  return kvLayout(format, { kvHeads, headDim, blockSize });
}

/** Words of one block over all layers. */
export function wordsPerBlock(shape: KvShapeOf): number {
  return shape.layers * layoutOf(shape).blockWords;
}

/** Words of the ring over all layers; 0 without one. */
export function wordsOfRing(shape: KvShapeOf): number {
  return shape.format === 'int2' ? shape.layers * ringWords(shape) : 0;
}

/** Whether words can go over as they are. */
export function sameShape(a: KvShapeOf, b: KvShapeOf): boolean {
  return (
    a.format === b.format &&
    a.layers === b.layers &&
    a.kvHeads === b.kvHeads &&
    a.headDim === b.headDim &&
    a.blockSize === b.blockSize &&
    a.residualTokens === b.residualTokens
  );
}

/** @throws RangeError where layers, heads or head dimension differ: that is another model */
export function convertKv(kv: SequenceKv, from: KvShapeOf, to: KvShapeOf): SequenceKv {
  for (const name of ['layers', 'kvHeads', 'headDim'] as const) {
    if (from[name] !== to[name])
      throw new RangeError(`${name} is ${from[name]} on one side and ${to[name]} on the other: two models.`);
  }
  if (sameShape(from, to)) return kv;
  const target = emptyKv(kv.tokens, to);
  if (from.format === to.format && from.format !== 'int2') copyRows(kv, from, target, to);
  else encodeAgain(kv, from, target, to);
  return target;
}

export function emptyKv(tokens: number, shape: KvShapeOf): SequenceKv {
  const count = Math.ceil(tokens / shape.blockSize);
  const ring = wordsOfRing(shape);
  return {
    tokens,
    blocks: Array.from({ length: count }, () => new Uint32Array(wordsPerBlock(shape))),
    ring: ring > 0 ? new Uint32Array(ring) : null,
  };
}

const PARTS: readonly KvPart[] = ['k', 'v'];

/** Words of one layer of the block that holds a token, and the token's slot in it. */
function slotOf(
  kv: SequenceKv,
  layout: KvLayout,
  layer: number,
  token: number,
): { words: Uint32Array; slot: number } {
  const { blockSize } = layout.shape;
  const block = kv.blocks[Math.floor(token / blockSize)];
  if (!block) throw new RangeError(`Token ${token} has no block among ${kv.blocks.length}.`);
  const at = layer * layout.blockWords;
  return { words: block.subarray(at, at + layout.blockWords), slot: token % blockSize };
}

function copyRows(kv: SequenceKv, from: KvShapeOf, target: SequenceKv, to: KvShapeOf): void {
  const [source, destination] = [layoutOf(from), layoutOf(to)];
  for (let layer = 0; layer < from.layers; layer++) {
    for (let token = 0; token < kv.tokens; token++) {
      const read = slotOf(kv, source, layer, token);
      const write = slotOf(target, destination, layer, token);
      for (const part of PARTS) {
        for (let head = 0; head < from.kvHeads; head++) {
          copyRow(read, source, write, destination, part, head);
        }
      }
    }
  }
}

interface Slot {
  readonly words: Uint32Array;
  readonly slot: number;
}

function copyRow(read: Slot, from: KvLayout, write: Slot, to: KvLayout, part: KvPart, head: number): void {
  const [a, b] = [from[part], to[part]];
  const [readAt, writeAt] = [regionStart(from, 0, part, head), regionStart(to, 0, part, head)];
  const parameters = a.params === 'none' ? 0 : a.params === 'row' ? 1 : from.shape.headDim / a.group;
  write.words.set(
    read.words.subarray(readAt + read.slot * parameters, readAt + (read.slot + 1) * parameters),
    writeAt + write.slot * parameters,
  );
  const row = readAt + a.paramWords + read.slot * a.rowWords;
  write.words.set(
    read.words.subarray(row, row + a.rowWords),
    writeAt + b.paramWords + write.slot * b.rowWords,
  );
}

function encodeAgain(kv: SequenceKv, from: KvShapeOf, target: SequenceKv, to: KvShapeOf): void {
  for (let layer = 0; layer < from.layers; layer++) {
    for (let head = 0; head < from.kvHeads; head++) {
      for (const part of PARTS) {
        const read = rowReader(kv, from, layer, head, part);
        if (to.format === 'int2') writeKivi(target, to, layer, head, part, read);
        else {
          const layout = layoutOf(to);
          for (let token = 0; token < kv.tokens; token++) {
            const { words, slot } = slotOf(target, layout, layer, token);
            encodeRow(words, layout, part, head, slot, read(token));
          }
        }
      }
    }
  }
}

/** Values of a token's row, wherever it waits. */
function rowReader(
  kv: SequenceKv,
  shape: KvShapeOf,
  layer: number,
  head: number,
  part: KvPart,
): (token: number) => Float64Array {
  const layout = layoutOf(shape);
  const quantized = quantizedTokens(kv.tokens, shape, part);
  return (token) => {
    if (token >= quantized) return ringValues(kv, shape, layer, head, part, token);
    const { words, slot } = slotOf(kv, layout, layer, token);
    return decodeRow(words, layout, part, head, slot);
  };
}

/** Leading tokens that lie in blocks; the rest in the ring. */
function quantizedTokens(tokens: number, shape: KvShapeOf, part: KvPart): number {
  if (shape.format !== 'int2') return tokens;
  const split = residualTokens(tokens, shape.residualTokens);
  return part === 'k' ? split.quantizedKeys : split.quantizedValues;
}

function ringValues(
  { ring }: SequenceKv,
  shape: KvShapeOf,
  layer: number,
  head: number,
  part: KvPart,
  token: number,
): Float64Array {
  const at = layer * ringWords(shape) + ringRow(shape, 0, part, head, token);
  return Float64Array.from({ length: shape.headDim }, (_, c) => {
    const pair = ring?.[at + (c >> 1)] ?? 0;
    return f16Value(c % 2 === 0 ? pair & 0xffff : pair >>> 16);
  });
}

/** Old tokens into blocks, keys a group at a time; the newest into the ring. */
function writeKivi(
  target: SequenceKv,
  shape: KvShapeOf,
  layer: number,
  head: number,
  part: KvPart,
  read: (token: number) => Float64Array,
): void {
  const layout = layoutOf(shape);
  const quantized = quantizedTokens(target.tokens, shape, part);
  const group = part === 'k' ? tokenGroup(shape.blockSize) : 1;
  for (let token = 0; token < quantized; token += group) {
    const { words, slot } = slotOf(target, layout, layer, token);
    if (part === 'v') encodeRow(words, layout, part, head, slot, read(token));
    else {
      const rows = Array.from({ length: group }, (_, t) => [...read(token + t)]);
      encodeKeyGroup(words, layout, head, slot, rows.flat());
    }
  }
  const { ring } = target;
  if (!ring) return;
  for (let token = quantized; token < target.tokens; token++) {
    const row = read(token);
    const at = layer * ringWords(shape) + ringRow(shape, 0, part, head, token);
    for (let c = 0; c < shape.headDim; c += 2) ring[at + c / 2] = packF16Pair(row[c] ?? 0, row[c + 1] ?? 0);
  }
}
